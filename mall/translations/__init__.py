"""The catalogues of the shoppers' languages: read from code and templates, kept as .po, compiled to .mo.

Babel does what GNU gettext's programs would: a fresh machine has the one and not the other (ADR 81).
"""
