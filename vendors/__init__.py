"""Vendors: stores, catalogue, stock and the vendor-scoped admin.

Exceptions::

    Exception
    ├── SoldOutError        vendors.stock: fewer pieces are available than are wanted
    ├── MoreThanSoldError   vendors.stock: more pieces would come back than an order took
    ├── LedgerError         vendors.ledger: a movement that cannot be written; the message is for its writer
    │   └── StaleStockError     pieces were moved since the stock was seen
    ├── PeopleError         vendors.people: a change of a vendor's people is refused; the message is for its asker
    │   ├── LastOwnerError      the vendor would be left without an owner
    │   └── InvitationRefusedError  vendors.invitations: an invitation cannot be made or accepted
    ├── ProductError        vendors.products: a change of a product cannot be made; the message is for its asker
    ├── ReviewError         vendors.reviews: a review cannot be written or reported; the message is for its writer
    ├── ApprovalError       vendors.approval: a change of a store’s approval is refused; the message is for its asker
    ├── InvalidImageError   vendors.images: an upload cannot be shown as a picture
    ├── AmountError (ValueError)  vendors.amounts: a text is no amount of money; the message is for its writer
    └── DomainRefusedError  vendors.domains: a vendor's domain cannot be had or used so; the message is for its owner
"""
