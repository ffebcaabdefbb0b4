"""An external member as its own server sees the mall: it asks through a browser, and redeems with its secret."""

import base64
import datetime
import secrets
from urllib.parse import parse_qs, quote, urlencode

from django.test import Client
from django.utils import timezone

from sessions_farm.communities.handoff.verifier import Verifier
from sessions_farm.communities.models import Domain, SigningKey
from sessions_farm.communities.openid import signing_keys
from sessions_farm.communities.openid.client_secrets import issue_secret
from sessions_farm.communities.tests.support.walking import go

TOKEN, USERINFO, JWKS = "/.mall/oauth/token", "/.mall/oauth/userinfo", "/.mall/oauth/jwks"
METADATA = "/.well-known/openid-configuration"
MADE = {}  # the columns of a signing key for each community: to make one takes longer than most tests


class ExternalClient:
    """``asks`` gives what the browser brings back; ``redeems`` and ``learns`` give the mall's answers."""

    def __init__(self, community, host, *more_addresses):
        self.host, self.master = host, community.master.host
        self.callback = f"https://{host}/back?from=mall"
        self.domain = Domain.objects.create(
            community=community,
            host=host,
            kind=Domain.Kind.EXTERNAL,
            status="active",
            redirect_uris="\n".join([self.callback, *more_addresses]),
        )
        self.secret = issue_secret(domain=self.domain)
        self.verifier = Verifier(secrets.token_urlsafe(32), 0)
        give_signing_key(community)

    def renews_secret(self, days=7):
        self.secret = issue_secret(domain=self.domain, overlap=datetime.timedelta(days=days))

    def question(self, on="", **changes):
        """The address that a browser is sent to; a null value leaves a parameter out."""
        right = {
            "response_type": "code",
            "client_id": self.host,
            "redirect_uri": self.callback,
            "scope": "openid",
            "state": "what-the-browser-left-for",
            "nonce": "once",
            "code_challenge": self.verifier.challenge,
            "code_challenge_method": "S256",
        }
        asked = {name: value for name, value in (right | changes).items() if value is not None}
        return f"https://{on or self.master}/.mall/oauth/authorize?{urlencode(asked, doseq=True)}"

    def asks(self, browser, **changes):
        return answer_in(go(browser, self.question(**changes)), changes.get("redirect_uri") or self.callback)

    def redeems(self, code, on="", name="", secret="", scheme="Basic", **changes):
        """With the scheme ``form``, the client id and the secret are fields too."""
        credentials = {"client_id": name or self.host, "client_secret": secret or self.secret}
        right = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": self.verifier.secret,
        }
        headers = {"Host": on or self.master}
        if scheme == "form":
            right |= credentials
        else:
            pair = ":".join(quote(value) for value in credentials.values())
            headers["Authorization"] = f"{scheme} {base64.b64encode(pair.encode()).decode()}"
        form = {field: value for field, value in (right | changes).items() if value is not None}
        kind = "application/x-www-form-urlencoded"
        return Client(enforce_csrf_checks=True).post(
            TOKEN, urlencode(form, doseq=True), content_type=kind, secure=True, headers=headers
        )

    def learns(self, token, on="", scheme="Bearer"):
        return self.reads(USERINFO, on, Authorization=f"{scheme} {token}")

    def reads(self, path, on="", **headers):
        return Client().get(path, secure=True, headers={"Host": on or self.master, **headers})

    def token_for(self, browser):
        """The whole way: a token for the visitor of that browser."""
        return self.answer_for(browser)["access_token"]

    def answer_for(self, browser, **changes):
        """The whole way: what the token endpoint says."""
        response = self.redeems(self.asks(browser, **changes)["code"])
        assert response.status_code == 200, response.content
        return response.json()

    def sub_for(self, browser):
        return self.learns(self.token_for(browser)).json()["sub"]


def give_signing_key(community):
    """The same for each test, as any node would make it."""
    if community.slug not in MADE:
        signing_keys.signer(community.pk)
        MADE[community.slug] = SigningKey.objects.filter(community=community).values().get()
    now = timezone.now()
    kept = MADE[community.slug] | {
        "community_id": community.pk,
        "signs_from": now,
        "rotates_at": now + signing_keys.LIFETIME,
    }
    SigningKey.objects.update_or_create(kid=kept.pop("kid"), defaults={k: v for k, v in kept.items() if k != "id"})


def facts_of(visitor, client):
    """What the tests' project tells."""
    return {"visitor": str(visitor.pk) if visitor else None, "told_to": client.host}


def answer_in(response, callback):
    """The parameters that the redirect brings to the callback, and to nothing but the callback."""
    assert response.status_code == 302, response.content
    assert response["Location"].startswith(callback)
    joint, query = response["Location"][len(callback)], response["Location"][len(callback) + 1 :]
    assert joint == ("&" if "?" in callback else "?")
    return {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}


def as_oauth_says(response, status, error):
    """A refusal by its name, and in words; nothing that a cache keeps."""
    said = response.json()
    assert (response.status_code, said["error"]) == (status, error)
    assert said["error_description"]
    assert response["Cache-Control"] == "no-store"
    return response
