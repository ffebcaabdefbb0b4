"""Vendors: stores, catalogue, stock and the vendor-scoped admin.

Exceptions::

    Exception
    ├── SoldOutError        vendors.stock: fewer pieces are available than are wanted
    ├── InvalidImageError   vendors.images: an upload cannot be shown as a picture
    └── DomainRefusedError  vendors.domains: a vendor's domain cannot be had or used so; the message is for its owner
"""
