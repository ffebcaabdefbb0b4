"""The page for a request that cannot be answered as it is: what is wrong with it, and what to do."""

from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_noop

ADDRESS = gettext_noop("Its address, or what was sent to it, is none that the mall makes.")
WORDS: dict[type[Exception], str] = {
    TooManyFieldsSent: gettext_noop("It sent more fields at once than the mall takes. Save fewer at once."),
    TooManyFilesSent: gettext_noop("It sent more files at once than the mall takes. Save fewer at once."),
    RequestDataTooBig: gettext_noop("It sent more text than the mall takes at once. Save less at once."),
}


def handle_400(request: HttpRequest, exception: BaseException) -> HttpResponse:
    """Respond to a request that Django refuses (``handler400``)."""
    found = (text for kind, text in WORDS.items() if isinstance(exception, kind))
    return bad_request(next(found, ADDRESS))


def bad_request(text: str) -> HttpResponse:
    """Return the page with a sentence that says what is wrong."""
    response = HttpResponse(render_to_string("400.html", {"text": gettext(text)}), status=HTTPStatus.BAD_REQUEST)
    response["Cache-Control"] = "no-store"
    return response
