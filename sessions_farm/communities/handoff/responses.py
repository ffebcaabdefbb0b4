"""The responses of a hand-off: confidential ones, and redirects."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect

# What decides whether a hand-off begins, besides the address.
NEGOTIATED = (
    *("Cookie", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Purpose", "Sec-GPC", "HX-Request"),
    *("Upgrade-Insecure-Requests", "Accept"),  # where Fetch Metadata is missing
)


class SeeOther(HttpResponseRedirect):
    """A redirect to a GET, after any method (303)."""

    status_code = 303


def confidential[Response: HttpResponse](response: Response) -> Response:
    """Keep a response out of caches, its address out of the Referer, and both out of search engines."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    response["Vary"] = ", ".join(("Host", *NEGOTIATED))
    return response
