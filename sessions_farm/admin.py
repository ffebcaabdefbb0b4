"""Live sessions in the admin: for superusers, to look at and to end, whatever store they are in; no id is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
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
class Found:
    """What a question found: sessions, and the person whom they all are of."""

    sessions: list[LiveSession] = field(default_factory=list)
    person: Any = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A session as the page shows it; ``signed_in`` is None where nobody declared that it may be known."""

    handle: str
    session: LiveSession
    own: bool
    signed_in: bool | None
    shared: str

    @property
    def short(self) -> str:
        return f"{self.handle[:SHORT]}…"


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """It bears the model's name and permissions, and reads nothing of its table: the broker knows every store."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(require_safe(self.changelist_view)), name="sessions_farm_session_changelist"),
            path("end/", wrap(require_POST(self.end_view)), name="sessions_farm_session_end"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Some of the live sessions, or those that the question ``q`` is about."""
        self._require(request)
        asked = request.GET.get("q", "").strip()
        live: int | None = None
        try:
            live, found = queries.count(), find(asked)
        except StoreUnavailableError as error:
            found = Found(refusal=f"The session store does not answer: {error}")
        context = self._context(request, "Live sessions") | {
            "asked": asked,
            "live": live,
            "found": found,
            "rows": rows_of(found.sessions, request),
            "limit": LIMIT,
            "searchable": [name for name in options().variables.indexed() if not name.startswith(OURS)],
            **(extra_context or {}),
        }
        return TemplateResponse(
            request,
            "admin/sessions_farm/session/change_list.html",
            context,
            status=503 if live is None else 400 if found.refusal else 200,
        )

    def end_view(self, request: HttpRequest) -> HttpResponseBase:
        """Ask whether it is meant, and then do it."""
        self._require(request)
        asked = request.POST.get("q", "")
        back = reverse("admin:sessions_farm_session_changelist", current_app=self.admin_site.name)
        if asked:
            back = f"{back}?{urlencode({'q': asked})}"
        try:
            if request.POST.get("person"):
                return self._ending_person(request, back)
            return self._ending_sessions(request, back)
        except StoreUnavailableError as error:
            self.message_user(request, f"The session store does not answer: {error}", messages.ERROR)
            return HttpResponseRedirect(back)

    def _ending_sessions(self, request: HttpRequest, back: str) -> HttpResponseBase:
        own = own_handle(request)
        handles = [handle for handle in request.POST.getlist("handle") if handle != own][:LIMIT]
        living = [one.key for one in run_sync(current_store().get_many(handles, now_ms())) if one.header.ends < NEVER]
        if not living:
            self.message_user(request, "None of these sessions lives any more.", messages.WARNING)
            return HttpResponseRedirect(back)
        if "sure" not in request.POST:
            return self._asking(request, back, handles=living)
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
        self.message_user(request, f"{counted(len(living))} ended.", messages.SUCCESS)
        return HttpResponseRedirect(back)

    def _ending_person(self, request: HttpRequest, back: str) -> HttpResponseBase:
        try:
            person = people.person_with(request.POST["person"])
        except people.PersonLookupError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(back)
        if "sure" not in request.POST:
            return self._asking(request, back, person=person, own=person.pk == request.user.pk)
        spare = request.session if isinstance(request.session, SessionStore) else None
        ended = queries.end_everywhere(person, spare=spare)
        LogEntry.objects.create(
            user=request.user,  # type: ignore[misc]  # a superuser, not an AnonymousUser
            content_type=ContentType.objects.get_for_model(person),
            object_id=str(person.pk),
            object_repr=str(person)[:200],
            action_flag=CHANGE,
            change_message=f"Signed out everywhere: {counted(ended)} ended.",
        )
        self.message_user(request, f"{person} is signed out everywhere: {counted(ended)} ended.", messages.SUCCESS)
        return HttpResponseRedirect(back)

    def _asking(self, request: HttpRequest, back: str, **what: Any) -> HttpResponse:
        context = self._context(request, "Are you sure?") | what | {"back": back, "asked": request.POST.get("q", "")}
        return TemplateResponse(request, "admin/sessions_farm/session/end.html", context)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts}

    def _require(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def find(asked: str) -> Found:
    """Sessions by ``name=value`` of an indexed variable, or by the person they are of; some of all, for ''."""
    if not asked:
        return Found(queries.find(limit=LIMIT))
    try:
        if asked.partition("=")[0] in options().variables.indexed():
            name, value = people.term(asked)
            return Found(queries.find(limit=LIMIT, **{name: value}))
        person = people.person(asked)
    except (people.PersonLookupError, ValueError) as error:
        return Found(refusal=str(error))
    return Found(queries.devices(person, limit=LIMIT), person)


def rows_of(sessions: Iterable[LiveSession], request: HttpRequest) -> list[Row]:
    own, may_know = own_handle(request), options().variables[SIGNED_IN].shared
    return [
        Row(
            one.handle,
            one,
            own=one.handle == own,
            signed_in=bool(one.shared.get(SIGNED_IN)) if may_know else None,
            shared=", ".join(f"{name}: {value}" for name, value in one.shared.items() if not name.startswith(OURS)),
        )
        for one in sessions
    ]


def own_handle(request: HttpRequest) -> str:
    """Of who looks: ended from here, this very page could not be answered. Logging out is for that."""
    session = getattr(request, "session", None)
    return session.key_hash if isinstance(session, SessionStore) and session.session_key else ""


def counted(number: int) -> str:
    return f"{number} session{'' if number == 1 else 's'}"
