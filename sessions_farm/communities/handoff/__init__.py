"""The hand-off: one host of a community learns a visitor's id from another, by a one-time code through the browser.

It is OAuth 2.0's authorization code flow with PKCE (RFC 6749, RFC 7636, RFC 9207) between hosts of one farm::

    middleware, triggers, initiate    a page without an id is redirected to the authority's authorization endpoint
    endpoints                         the authorization endpoint and the callback, on every host
    state, verifier, codes            the signed state, the secret of the browser, the grant behind a code
    merge                             the id becomes this browser's own, and its sessions and visitors one
    tickets, fingerprint              a store's button leads to the master's till, in every browser
    rate_limit, circuit_breakers, health_probe, concurrent_tabs, cookies_off, pause    the bounds
    former_master                     after a change of masters: it is asked about the visitors from before
    audit, debug                      counters, and a page for developers

Errors::

    HandoffError
    ├── HandoffRefusedError      a request to an endpoint lacks a proof
    │   └── InvalidStateError    a state that this community did not seal for this host
    └── ProbeSetupError          a health probe is set up wrongly: its host may be well
"""
