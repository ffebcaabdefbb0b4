"""A member outside the farm as its own server sees the mall: it asks through a browser, and redeems with its secret."""

import base64
import secrets
from urllib.parse import parse_qs, quote, urlencode

from django.test import Client

from sessions_farm.communities.handoff.oauth.credentials import issue_secret
from sessions_farm.communities.handoff.verifier import Verifier
from sessions_farm.communities.models import Domain
from sessions_farm.communities.tests.support.walking import go

TOKEN, USERINFO = "/.mall/oauth/token", "/.mall/oauth/userinfo"


class Outsider:
    """``asks`` gives what the browser brings back; ``redeems`` and ``learns`` give the mall's answers."""

    def __init__(self, community, host):
        self.host, self.master = host, community.master.host
        self.callback = f"https://{host}/back?from=mall"
        self.domain = Domain.objects.create(
            community=community, host=host, kind=Domain.Kind.EXTERNAL, status="active", callback=self.callback
        )
        self.secret = issue_secret(domain=self.domain)
        self.verifier = Verifier(secrets.token_urlsafe(32), 0)

    def renews_secret(self):
        self.secret = issue_secret(domain=self.domain)

    def question(self, on="", **changes):
        """The address that a browser is sent to; a null value leaves a parameter out."""
        right = {
            "response_type": "code",
            "client_id": self.host,
            "redirect_uri": self.callback,
            "state": "what-the-browser-left-for",
            "code_challenge": self.verifier.challenge,
            "code_challenge_method": "S256",
        }
        asked = {name: value for name, value in (right | changes).items() if value is not None}
        return f"https://{on or self.master}/.mall/oauth/authorize?{urlencode(asked)}"

    def asks(self, browser, **changes):
        return answer_in(go(browser, self.question(**changes)), self)

    def redeems(self, code, on="", name="", secret="", scheme="Basic", **changes):
        credentials = f"{quote(name or self.host)}:{quote(secret or self.secret)}"
        right = {"grant_type": "authorization_code", "code": code, "code_verifier": self.verifier.secret}
        form = {field: value for field, value in (right | changes).items() if value is not None}
        return Client(enforce_csrf_checks=True).post(
            TOKEN,
            urlencode(form),
            content_type="application/x-www-form-urlencoded",
            secure=True,
            headers={
                "Host": on or self.master,
                "Authorization": f"{scheme} {base64.b64encode(credentials.encode()).decode()}",
            },
        )

    def learns(self, token, on="", scheme="Bearer"):
        headers = {"Host": on or self.master, "Authorization": f"{scheme} {token}"}
        return Client().get(USERINFO, secure=True, headers=headers)

    def token_for(self, browser):
        """The whole way: a token for the visitor of that browser."""
        response = self.redeems(self.asks(browser)["code"])
        assert response.status_code == 200, response.content
        return response.json()["access_token"]


def facts_of(visitor, client):
    """What the tests' project tells."""
    return {"visitor": str(visitor.pk) if visitor else None, "told_to": client.host}


def answer_in(response, outsider):
    """The parameters that the redirect brings to the callback, and to nothing but the callback."""
    assert response.status_code == 302, response.content
    where, _, query = response["Location"].partition("&")
    assert where == outsider.callback
    return {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
