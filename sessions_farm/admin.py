"""Live sessions in the admin: superusers list and end them, in any store; no id is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from sessions_farm.conf import options
from sessions_farm.models import Session
from sessions_farm.session import people, queries
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import SIGNED_IN
from sessions_farm.stores import current_store
from sessions_farm.stores.base import NEVER, StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import run_sync

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sessions_farm.session.queries import LiveSession

LIMIT = 100
OURS = "_farm_"  # begins the names of variables that are the farm's own
SHORT = 8  # characters of a handle: enough to tell two rows apart


@dataclass(slots=True)
class SearchResult:
    """The sessions of a search, and the person if it was for one; ``error`` says why there are none."""

    sessions: list[LiveSession] = field(default_factory=list)
    person: Any = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as the page shows it; ``signed_in`` is None where that variable is not declared as shared."""

    handle: str
    session: LiveSession
    own: bool
    signed_in: bool | None
    shared: str

    @property
    def short(self) -> str:
        """The beginning of the handle."""
        return f"{self.handle[:SHORT]}…"


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """The admin has the model's name and permissions, and never reads its table: queries go to the store in force."""

    def get_urls(self) -> list[URLPattern]:
        """Return the list, and the page that ends sessions."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(require_safe(self.changelist_view)), name="sessions_farm_session_changelist"),
            path("end/", wrap(require_POST(self.end_view)), name="sessions_farm_session_end"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List some of the live sessions, or the results of the search ``q``."""
        self._require(request)
        query = request.GET.get("q", "").strip()
        live: int | None = None
        try:
            live, found = queries.count(), search_sessions(query)
        except StoreUnavailableError as error:
            found = SearchResult(error=f"The session store does not answer: {error}")
        context = self._context(request, "Live sessions") | {
            "query": query,
            "live": live,
            "found": found,
            "rows": session_rows(found.sessions, request),
            "limit": LIMIT,
            "searchable": [name for name in options().variables.indexed() if not name.startswith(OURS)],
            **(extra_context or {}),
        }
        return TemplateResponse(
            request,
            "admin/sessions_farm/session/change_list.html",
            context,
            status=503 if live is None else 400 if found.error else 200,
        )

    def end_view(self, request: HttpRequest) -> HttpResponseBase:
        """End sessions, once that is confirmed."""
        self._require(request)
        query = request.POST.get("q", "")
        back = reverse("admin:sessions_farm_session_changelist", current_app=self.admin_site.name)
        if query:
            back = f"{back}?{urlencode({'q': query})}"
        try:
            if request.POST.get("person"):
                return self._end_person(request, back)
            return self._end_sessions(request, back)
        except StoreUnavailableError as error:
            self.message_user(request, f"The session store does not answer: {error}", messages.ERROR)
            return HttpResponseRedirect(back)

    def _end_sessions(self, request: HttpRequest, back: str) -> HttpResponseBase:
        own = own_handle(request)
        handles = [handle for handle in request.POST.getlist("handle") if handle != own][:LIMIT]
        living = [one.key for one in run_sync(current_store().get_many(handles, now_ms())) if one.header.ends < NEVER]
        if not living:
            self.message_user(request, "None of these sessions lives any more.", messages.WARNING)
            return HttpResponseRedirect(back)
        if "confirmed" not in request.POST:
            return self._confirmation(request, back, handles=living)
        for handle in living:
            queries.end(handle)
        model = ContentType.objects.get_for_model(Session)
        LogEntry.objects.bulk_create(
            LogEntry(
                user=request.user,  # type: ignore[misc]  # a superuser, not an AnonymousUser
                content_type=model,
                object_id=handle,
                object_repr=f"{handle[:SHORT]}…",
                action_flag=DELETION,
                change_message="Ended the session.",
            )
            for handle in living
        )
        self.message_user(request, f"{len(living)} session{pluralize(living)} ended.", messages.SUCCESS)
        return HttpResponseRedirect(back)

    def _end_person(self, request: HttpRequest, back: str) -> HttpResponseBase:
        try:
            person = people.get_person(request.POST["person"])
        except people.PersonLookupError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(back)
        if "confirmed" not in request.POST:
            return self._confirmation(request, back, person=person, own=person.pk == request.user.pk)
        spare = request.session if isinstance(request.session, SessionStore) else None
        ended = queries.end_everywhere(person, spare=spare)
        LogEntry.objects.create(
            user=request.user,  # type: ignore[misc]  # a superuser, not an AnonymousUser
            content_type=ContentType.objects.get_for_model(person),
            object_id=str(person.pk),
            object_repr=str(person)[:200],
            action_flag=CHANGE,
            change_message=f"Signed out everywhere: {ended} session{pluralize(ended)} ended.",
        )
        self.message_user(
            request, f"{person} is signed out everywhere: {ended} session{pluralize(ended)} ended.", messages.SUCCESS
        )
        return HttpResponseRedirect(back)

    def _confirmation(self, request: HttpRequest, back: str, **context: Any) -> HttpResponse:
        page = self._context(request, "Are you sure?") | context | {"back": back, "query": request.POST.get("q", "")}
        return TemplateResponse(request, "admin/sessions_farm/session/end.html", page)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts}

    def _require(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the user is a superuser."""
        return bool(getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user is a superuser."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: sessions are only listed and ended."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: sessions are only listed and ended."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: sessions are only listed and ended."""
        return False


def search_sessions(query: str) -> SearchResult:
    """Return the sessions with ``name=value`` of an indexed variable, or of a person; some of all for ''."""
    if not query:
        return SearchResult(queries.find(limit=LIMIT))
    try:
        if query.partition("=")[0] in options().variables.indexed():
            name, value = people.parse_term(query)
            return SearchResult(queries.find(limit=LIMIT, **{name: value}))
        person = people.find_person(query)
    except (people.PersonLookupError, ValueError) as error:
        return SearchResult(error=str(error))
    return SearchResult(queries.devices(person, limit=LIMIT), person)


def session_rows(sessions: Iterable[LiveSession], request: HttpRequest) -> list[SessionRow]:
    """Return the rows of a table of sessions."""
    own, shows_login = own_handle(request), options().variables[SIGNED_IN].shared
    return [
        SessionRow(
            one.handle,
            one,
            own=one.handle == own,
            signed_in=bool(one.shared.get(SIGNED_IN)) if shows_login else None,
            shared=", ".join(f"{name}: {value}" for name, value in one.shared.items() if not name.startswith(OURS)),
        )
        for one in sessions
    ]


def own_handle(request: HttpRequest) -> str:
    """Return the handle of the viewer's own session, which cannot be ended here: logging out is for that."""
    session = getattr(request, "session", None)
    return session.key_hash if isinstance(session, SessionStore) and session.session_key else ""
