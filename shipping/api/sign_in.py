"""The sign-in of departments' programs at the pickup API, its limits, and the refusals that a request may meet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from sessions_farm.web import clients
from shipping import pickup, rate_limits, signing_keys
from shipping.api.schemas import Problem
from shipping.envelope import ForgedDocumentError
from shipping.models import VendorKey

NOT_YOURS = "There is no such order for this department."
REFUSED = {400: Problem, 401: Problem, 404: Problem, 409: Problem, 422: Problem, 429: Problem}
LINE = "api"


class DepartmentToken(HttpBearer):
    """The token that follows from a key of the department's key file."""

    openapi_name = "department"
    openapi_description = "The token that mall-pull --token prints for a line of the key file."

    def authenticate(self, request: HttpRequest, token: str) -> VendorKey | None:
        """Return the key of a token, None where it is wrong; raise RateLimitedError beyond a limit."""
        network = clients.network_of(request)
        rate_limits.refuse_network(network, token)
        key = signing_keys.find_by_token(token)
        if key is None:
            rate_limits.record_failure(network, token)
            return None
        rate_limits.record_success(token)
        count_request(key.vendor_id)
        return key


def count_request(vendor_id: int) -> None:
    """Count a request of a vendor's programs; raise RateLimitedError beyond the limit."""
    rate_limits.count_request(vendor_id, LINE, settings.PICKUP_REQUESTS_A_MINUTE)


@contextmanager
def signed_by_vendor(request: HttpRequest) -> Iterator[int]:
    """Give the vendor whose key a document names, by which the block verifies it, and count the request afterwards.

    Until then it may be anybody's, and counts against no department. Raise ForgedDocumentError where no key that signs
    is named, RateLimitedError beyond a limit.
    """
    network, shown = clients.network_of(request), request.headers.get("authorization", "").partition(" ")[2]
    rate_limits.refuse_network(network, shown)
    try:
        vendor_id = pickup.vendor_of(request.body)
        rate_limits.refuse_vendor(vendor_id, LINE, settings.PICKUP_REQUESTS_A_MINUTE)
        yield vendor_id
    except ForgedDocumentError:
        rate_limits.record_failure(network, shown)
        raise
    except (LookupError, ValueError):  # it is the vendor's, and refused for another reason
        count_request(vendor_id)
        raise
    count_request(vendor_id)


def key_of(request: HttpRequest) -> VendorKey:
    """Return the key by which the request signed in; raise AuthenticationError where there is none."""
    key = getattr(request, "auth", None)
    if not isinstance(key, VendorKey):
        raise AuthenticationError
    return key
