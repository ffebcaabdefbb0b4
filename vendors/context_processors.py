"""The store that a page belongs to."""


def storefront(request):
    return {}
