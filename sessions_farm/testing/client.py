"""Django's test client with the farm's cookie: signed for whichever host a request goes to."""

from __future__ import annotations

import time
from typing import Any

import django.test
from asgiref.sync import sync_to_async
from django.http.request import split_domain_port

from sessions_farm.communities.registry import Member, registry
from sessions_farm.session.session import SessionStore
from sessions_farm.web import cookies
from sessions_farm.web.cookies import Proof


class Client(django.test.Client):
    """``login``, ``force_login``, ``logout`` and ``session`` work as Django's do.

    Where Django keeps the bare session key in a cookie, this client keeps the id (``mall_id``) and signs it for the
    host of each request, as if every hand-off had taken place. BrowserClient is the one that walks through them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mall_id: str | None = None

    @property
    def session(self) -> SessionStore:
        """The session as it is stored, every variable visible; a new one where there is none."""
        if self.mall_id is None:
            session = SessionStore()
            session.save()
            self.mall_id = session.session_key
            return session
        return SessionStore(proof=Proof(self.mall_id, int(time.time())))

    async def asession(self) -> SessionStore:
        return await sync_to_async(lambda: self.session)()

    def logout(self) -> None:
        super().logout()
        self.mall_id = None

    async def alogout(self) -> None:
        await super().alogout()
        self.mall_id = None

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        self._learn(response)
        return response

    def _base_environ(self, **request: Any) -> dict[str, Any]:
        environ: dict[str, Any] = super()._base_environ(**request)  # type: ignore[misc]  # not in the stubs
        if self.mall_id is not None:
            host, member = self._place(environ)
            signed = f"{cookies.name_for(member)}={cookies.value_of(member, host, self.mall_id)}"
            environ["HTTP_COOKIE"] = "; ".join(filter(None, [environ.get("HTTP_COOKIE", ""), signed]))
        return environ

    def _learn(self, response: Any) -> None:
        """Keep the id of a cookie that the response sets; the cookie itself is of one host and stays out of the jar."""
        host, member = self._place(self._base_environ(**response.request))
        morsel = response.cookies.get(cookies.name_for(member))
        if morsel is None:
            return
        self.cookies.pop(morsel.key, None)
        proof = cookies.prove(member, host, morsel.value)
        self.mall_id = proof.id if proof else None

    @staticmethod
    def _place(environ: dict[str, Any]) -> tuple[str, Member | None]:
        """The host of a request and its member; none where the site has no gate."""
        host = split_domain_port(environ.get("HTTP_HOST") or environ["SERVER_NAME"])[0]
        return host, registry.resolve(host)

    def _set_login_cookies(self, request: Any) -> None:
        self.mall_id = request.session.session_key
