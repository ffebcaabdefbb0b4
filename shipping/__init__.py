"""Dispatches: from the paid order to the vendor's shipping department, by a transactional outbox.

Exceptions::

    Exception
    ├── TransportError                transports.base: a department did not take a payload
    ├── RateLimitedError              rate_limits: a department's program, or its network, made too many requests
    ├── LookupError
    │   ├── UnknownDispatchError      services: an acknowledgement names no dispatch of this vendor
    │   ├── UnknownRunError           script_runs: a department has no such run, or its shared data was read already
    │   └── NoSuchPathError           drop_folder.tree: there is no such file in a department's folder
    ├── OSError
    │   ├── EgressRefusedError        egress: the guard lets no connection out to this address
    │   └── MailboxError              mailroom.mailboxes: the dispatch mailbox cannot be read now
    └── ValueError
        ├── AckLinkError              ack_links: the link is forged, cut off or too old
        ├── ForgedDocumentError       envelope: no key that counts signed it, or its form is wrong
        ├── KeyRefusedError           signing_keys: a key cannot be added or retired now
        ├── ScriptRefusedError        agent_scripts: a script cannot be started on an agent now, or not so
        ├── SendingRefusedError       sendings: a department's word that goods went out cannot be taken
        └── UploadRefusedError        drop_folder.tree: a file that a department brought is not taken
"""
