"""External members, by OpenID Connect: its authorization code flow with PKCE, for visitors in place of users.

OAuthLib serves the protocol (RFC 6749, 7636; OpenID Connect Core 1.0) and joserfc signs (RFC 7515, 7518)::

    urls                    all endpoints and the two well-known addresses; included at the root, once
    authorize               the authorization endpoint: through the browser, on the master
    token, userinfo         for the servers of members
    discovery               what a client reads first: the metadata and the keys
    protocol, validator     OAuthLib's endpoints for one request, and what they ask
    codes, access_tokens    what travels: the code, and the token that it gives
    client_secrets          by which members prove themselves
    signing_keys, rotation  with which the farm signs

Needs the extra ``openid``; without ``urls`` nothing here but ``client_secrets`` and ``rotation`` is imported.
"""
