"""Members outside the farm: OAuth 2.0's authorization code flow with PKCE (RFC 6749, RFC 7636, RFC 9207)."""
