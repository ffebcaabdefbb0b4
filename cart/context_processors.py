"""The cart's count in the frame."""


def cart(request):
    return {}
