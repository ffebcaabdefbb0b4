"""Shop pages and whole checkouts of the mall beside django-oscar's, on one PostgreSQL, in one run."""
