"""The engine measured: ratios to raw Redis, raw SQL and Django's own engines (``python -m tests.benchmarks``)."""
