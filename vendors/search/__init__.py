"""Finding goods: the marketplace's vocabulary, what a question means.

A product's card (``vendors.models.cards``) has its search document; ``asked`` turns what a shopper typed into a query
over documents, with typing errors mended by the ``vocabulary``.
"""
