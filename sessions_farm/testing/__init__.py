"""Tools for tests of sites that use the session engine."""
