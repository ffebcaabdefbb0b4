"""Communities: domains that share visitors, sessions and one cart. DOMAINS.md is the manual.

Errors::

    InvalidPrefixError (Exception)  a generator of ids gave what cannot begin one
    PlanError (Exception)           a hot query depends on a value, or takes several statements
    CommunityError
    ├── ActionRefusedError          a button of the admin refuses; the message says the cure
    ├── DomainNotVerifiedError      a domain is to be served, but its DNS does not show the owner's record
    ├── InvalidHostnameError        a text names no host, or more than a host
    ├── MasterCandidateError        a domain cannot become, or stay, the master of its community
    ├── MasterRequiredError         the master of a community is to be suspended
    ├── NameHeldError               another domain holds the name, or overlaps it
    ├── NotExternalError            only an external member has a client secret
    ├── RegistryUnavailableError    the registry was never read, and the database does not answer
    └── ResolverUnavailableError    the DNS gave no answer

The hand-off has errors of its own: see ``sessions_farm.communities.handoff``.
"""
