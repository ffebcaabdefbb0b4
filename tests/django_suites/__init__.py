"""Django's own test suites over the session engine: ``make django-suites``.

Django's tests are no part of its wheel; ``sdist`` fetches them from the package index. ``expected.toml`` says of each
test that fails, why it does.
"""
