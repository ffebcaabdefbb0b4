"""A django-oscar shop like one that sells: it runs in an environment of its own, and knows nothing of the mall."""
