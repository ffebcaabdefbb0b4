"""The mall in use: its demo, the servers of demo, tests and benchmarks, the farm of containers, sites around it.

Errors::

    Exception
    ├── servers.processes.ServerError                      PostgreSQL, Redis or a port cannot be had on this machine
    ├── external_site.mall_server.MallUnavailableError     the mall does not answer an external member
    ├── OSError
    │   └── vendor_sites.mall_client.MallError             the mall refused a department's request, or was not reached
    └── ValueError
        ├── vendor_sites.http_receiver.ForgedRequestError  no signature of the mall fits the request
        ├── vendor_sites.mall_agent.RefusedJobError        a job is not to be run by this agent
        ├── vendor_sites.order_inbox.InvalidOrderError     a message is no consignment
        ├── vendor_sites.order_inbox.OrderConflictError    a consignment came before with other content
        └── vendor_sites.signed_document.ForgedDocumentError  no key of ours signed it, or its form is wrong
"""
