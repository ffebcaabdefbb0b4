"""Dispatches: from the paid order to the vendor's shipping department, by a transactional outbox.

Exceptions::

    Exception
    ├── TransportError                transports.base: a department did not take a payload
    ├── LookupError
    │   └── UnknownDispatchError      services: an acknowledgement names no dispatch of this vendor
    ├── OSError
    │   └── EgressRefusedError        egress: the guard lets no connection out to this address
    └── ValueError
        ├── AckLinkError              ack_links: the link is forged, cut off or too old
        ├── ForgedDocumentError       envelope: no key that counts signed it, or its form is wrong
        └── KeyRefusedError           signing_keys: a key cannot be added or retired now
"""
