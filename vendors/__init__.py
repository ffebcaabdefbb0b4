"""Vendors: stores, catalogue, stock and the vendor-scoped admin.

Exceptions::

    Exception
    ├── SoldOutError        vendors.stock: fewer pieces are available than are wanted
    ├── MoreThanSoldError   vendors.stock: more pieces would come back than an order took
    ├── LedgerError         vendors.ledger: a movement that cannot be written; the message is for its writer
    │   └── StaleStockError     pieces were moved since the stock was seen
    ├── InvalidImageError   vendors.images: an upload cannot be shown as a picture
    └── DomainRefusedError  vendors.domains: a vendor's domain cannot be had or used so; the message is for its owner
"""
