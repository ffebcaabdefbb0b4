"""URLs of a vendor's own host: its store, the cart, the hand-off; nothing that belongs to the master."""

urlpatterns: list[object] = []
