"""The hand-off's defences, and for each how its module reads without it: what the mutation check switches off.

A new defence is a new entry below: its name, what would be possible without it, the tests of which one must notice, and
the change. The old text should be short and stand for nothing but the defence; a defence that stands in several places
has several changes.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import sessions_farm

ROOT = Path(sessions_farm.__file__).parent.parent


class TextLost(Exception):
    """A mutant's old text does not stand in its module exactly once."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module without one defence, and the test files of which one must turn red."""

    name: str
    says: str  # what is possible without the defence
    module: str  # as a path from the root
    tests: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]  # old text, new text

    @property
    def dotted(self) -> str:
        return self.module.removesuffix(".py").replace("/", ".")

    def applied_to(self, source: str) -> str:
        """The module's source without the defence. Raise TextLost."""
        for old, new in self.changes:
            if (count := source.count(old)) != 1:
                raise TextLost(self._lost(old, count, source))
            source = source.replace(old, new)
        return source

    def _lost(self, old: str, count: int, source: str) -> str:
        lines = [line.strip() for line in source.splitlines()]
        near = [] if count else difflib.get_close_matches(old.strip().splitlines()[0], lines, n=1, cutoff=0.4)
        likest = f"The line most like it:\n    {near[0]}\n" if near else ""
        return (
            f"The mutant {self.name!r} cannot be made: this text should stand in {self.module} once, and stands there "
            f"{count} times:\n    {old}\n{likest}If the defence was rewritten or moved, give its mutant the text that "
            "stands there now, in sessions_farm/tests/mutants.py; if it is gone on purpose, take the mutant out there."
        )


def of(module: str, *entries: tuple[str, ...]) -> list[Mutant]:
    """Mutants of one module, each given as: name, what it makes possible, tests, old text, new text, old, new…"""
    return [
        Mutant(name, says, f"sessions_farm/{module}.py", files(tests), tuple(zip(texts[::2], texts[1::2], strict=True)))
        for name, says, tests, *texts in entries
    ]


def files(tests: str) -> tuple[str, ...]:
    return tuple(f"sessions_farm/tests/test_{name}.py" for name in tests.split())


MUTANTS = [
    *of(
        "handoff/views",
        ("code-community", "a code of one community is taken in another", "handoff_attacks",
         "(client.community, client.host, kept.challenge, issuer)",
         "(grant.community, client.host, kept.challenge, issuer)"),
        ("code-client", "a code for one host is taken on another", "handoff_attacks",
         "(client.community, client.host, kept.challenge, issuer)",
         "(client.community, grant.client, kept.challenge, issuer)"),
        ("code-challenge", "a code for one browser is taken from another", "handoff_attacks",
         "(client.community, client.host, kept.challenge, issuer)",
         "(client.community, client.host, grant.challenge, issuer)"),
        ("code-issuer", "a code is taken from another than who made it", "handoff_attacks",
         "(client.community, client.host, kept.challenge, issuer)",
         "(client.community, client.host, kept.challenge, grant.issuer)"),
        ("state-in-time", "an answer to an old question is taken", "handoff_attacks",
         "raise Refused(Refusal.STALE)", "pass"),
        ("state-of-this-browser", "an answer to another browser's question spends its code", "handoff_attacks",
         "raise Refused(Refusal.OTHER_BROWSER)", "pass"),
        ("verifier-required", "whoever has the answer's address gets the session", "handoff_attacks",
         "    if kept is None:", "    kept = kept or verifier.fresh()\n    if kept is None:",
         "raise Refused(Refusal.OTHER_BROWSER)", "pass",
         "client.host, kept.challenge, issuer)", "client.host, grant.challenge, issuer)"),
        ("issuer-named", "a host that was not asked answers", "handoff_attacks",
         "raise Refused(Refusal.ISSUER)", "pass"),
        ("question-state-challenge", "a question has another challenge than its state", "handoff_requests",
         "state.challenge != challenge[:PREFIX_LENGTH] or ", ""),
        ("question-challenge-shape", "a question has a challenge of any shape", "handoff_layers",
         "raise Refused(Refusal.CHALLENGE)", "pass"),
        ("question-authority", "a question for one host is answered by another", "handoff_requests",
         " or not may_answer", ""),
        ("question-community", "a host of another community is told an id", "handoff_requests",
         "client.community_id != here.community_id or ", ""),
        ("question-of-itself", "a host is told an id by itself", "handoff_requests",
         "client.host == here.host or ", ""),
        ("question-of-alias", "an alias, which has no pages, is told an id", "handoff_layers",
         " or client.canonical_host:", ":"),
        ("local-id-untold", "a host tells others an id that it made for itself", "handoff_peers",
         "mall.id if client.is_master or not mall.is_local else None", "mall.id"),
        ("peers-id-not-taken", "the master takes an id that was planted on a peer", "handoff_peers",
         "adopting.absorb(request, grant.mall_id)", "adopting.adopt(request, response, grant.mall_id)"),
        ("attempt-bound", "a hand-off that fails begins again and again", "handoff_starting",
         "state.attempt == 0 and ", ""),
        ("give-up-said", "a hand-off that failed twice begins again at the next page", "handoff_starting",
         "    verifier.give_up(response, client)\n", ""),
        ("pace-of-answers", "one client fills the store with codes", "handoff_layers",
         'if not pace.within_pace(request, "answer"):', "if request is None:"),
        ("former-master-asked-once", "the former master and the master ask each other for ever", "masters",
         " and paths.FORMER_KNOWS_NOBODY not in request.GET", ""),
        ("endpoints-get-only", "a form of another site hands an id over", "handoff_requests",
         "raise Refused(Refusal.METHOD)", "pass"),
        ("endpoints-top-level", "a frame or a script hands an id over unseen", "handoff_requests",
         "raise Refused(Refusal.NOT_TOP_LEVEL)", "pass"),
    ),
    *of(
        "handoff/state",
        ("state-mac", "anybody writes a state", "handoff_parts handoff_attacks",
         " or not keys.verify(use_of(client), mac, client.host, text, issued)", ""),
        ("state-age", "a state is good for ever", "handoff_parts handoff_attacks", "age > MAX_AGE", "age is None"),
        ("state-host", "a state of one host is read on another", "handoff_parts handoff_attacks",
         "keys.sign(use_of(client), client.host, ", "keys.sign(use_of(client), ",
         "mac, client.host, text, issued)", "mac, text, issued)"),
        ("state-community", "a state of one community is read in another", "handoff_parts",
         '"mall|{client.community}|handoff-state"', '"mall|handoff-state"'),
        ("state-path", "a state with a stranger's address is followed", "handoff_parts",
         "if not paths.is_safe(path):", "if path is None:"),
    ),
    *of(
        "handoff/paths",
        ("path-safety", "a hand-off leads back to any address", "handoff_parts handoff_requests",
         'path.startswith("/")', 'True or path.startswith("/")'),
        ("path-backslash", "a backslash leads to another host", "handoff_parts", 'and "\\\\" not in path', "and True"),
        ("path-not-an-endpoint", "a hand-off leads back into a hand-off", "handoff_parts",
         'startswith(("//", PREFIX))', 'startswith("//")'),
        ("log-redaction", "a log has codes that are still good", "handoff_parts",
         'SECRETS.sub(r"\\1=REDACTED", text) if PREFIX in text else text', "text"),
    ),
    *of(
        "handoff/codes",
        ("code-hashed", "a stolen store has codes", "handoff_parts",
         "return hashlib.sha256(code.encode()).hexdigest()", "return code"),
        ("code-masks-id", "a stolen store has ids", "handoff_parts",
         "return bytes(a ^ b for a, b in zip(content, pad, strict=True))", "return content"),
        ("code-lifetime", "a code is good for an hour", "handoff_parts handoff_attacks",
         "LIFETIME = 60 ", "LIFETIME = 3600 "),
    ),
    *of(
        "stores/sql",
        ("code-once", "a code can be taken twice", "handoff_attacks handoff_races",
         'f"DELETE FROM {CODE} WHERE digest = %(digest)s RETURNING payload, expires_ms"',
         'f"SELECT payload, expires_ms FROM {CODE} WHERE digest = %(digest)s"'),
    ),
    *of(
        "stores/database_broker",
        ("code-in-time", "a code is good until somebody sweeps", "handoff_attacks",
         "if rows and now_ms() < rows[0][1] else None", "if rows else None"),
    ),
    *of(
        "handoff/verifier",
        ("starts-bound", "a browser begins any number of hand-offs", "handoff_parts handoff_starting",
         "self.starts >= (MAX_STARTS - 1 if client.former_master else MAX_STARTS)", "False"),
        ("gave-up-cookie", "a browser that just failed begins again", "handoff_starting",
         "return gave_up_name(client) in request.COOKIES", "return False"),
        ("verifier-hidden", "a page's script reads the verifier", "handoff_layers",
         "httponly=True", "httponly=False"),
    ),
    *of(
        "handoff/starting",
        ("gave-up-address", "a browser without cookies goes round for ever", "handoff_starting",
         " or any(paths.GAVE_UP in address for address in addresses)", ""),
        ("safe-start", "a hand-off begins at a path it cannot come back to", "handoff_requests",
         "return Skipped.ADDRESS", "pass"),
        ("starts-bound-asked", "nobody asks how often a browser began", "handoff_layers handoff_starting",
         "return Skipped.TOO_OFTEN if kept is not None and kept.is_exhausted(client) else None", "return None"),
        ("pace", "one client begins hand-offs as fast as it likes", "handoff_starting",
         'if not pace.within_pace(request, "begin"):', "if request is None:"),
        ("breaker", "pages wait for an authority that is away", "handoff_starting",
         "return Skipped.AUTHORITY_DOWN", "pass"),
        ("pause", "hand-offs go on though the community paused them", "handoff_policies",
         "return Skipped.PAUSED", "pass"),
        ("privacy-heard", "a browser that asks not to be followed is led away", "handoff_policies",
         ' or request.headers.get("Sec-GPC") == "1"', ""),
        ("no-store", "a cache keeps a redirect with a code", "handoff",
         '    response["Cache-Control"] = "no-store"\n', ""),
        ("no-referrer", "the next page's site learns a code", "handoff",
         '    response["Referrer-Policy"] = "no-referrer"\n', ""),
    ),
    *of(
        "handoff/needs",
        ("peer-of-community", "a host of another community is asked", "handoff_peers",
         " or peer.community_id != here.community_id", ""),
        ("peer-origin", "a peer is asked whose page came by plain HTTP", "handoff_peers",
         'f"{url.scheme}://{url.netloc}".lower() != origin(host) or ', ""),
        ("peers-allowed", "a peer is asked where the community trusts its master only", "handoff_peers",
         " or not (here.peer_authority or peer.is_master)", ""),
        ("local-id-replaced", "an id that a host made for itself stays", "handoff",
         "if mall.id is None or mall.is_local:", "if mall.id is None:"),
        ("silent-peer", "a peer that does not answer is asked", "handoff_policies",
         "return host if breaker_of(host).lets_through() else None", "return host"),
        ("mark-of-community", "a mark leads to a host of another community", "handoff_purge",
         "peer.community_id != member.community_id or ", ""),
        ("person-not-resynced", "somebody signed in is asked about anew, and signed out", "handoff_purge",
         " or mall.signed_in", ""),
    ),
    *of(
        "handoff/fingerprint",
        ("mark-opens-nothing", "an address has a piece of the id", "handoff_layers",
         'keys.sign(f"mall|{member.community}|fingerprint", mall_id)[:LENGTH]', "mall_id[:LENGTH]"),
    ),
    *of(
        "handoff/breaker",
        ("silence-heard", "pages wait for an authority that answers no probe", "handoff_policies",
         " and self._silences < MOST_SILENCES", ""),
    ),
    *of(
        "handoff/debug",
        ("debug-only", "anybody sees how the defences see a browser", "handoff_journal",
         "not settings.DEBUG or member is None", "member is None"),
    ),
    *of(
        "handoff/middleware",
        ("prefetch-refused", "a page fetched in advance is a redirect", "handoff_starting",
         "return not_in_advance()", "return begin(request, client, need)"),
        ("htmx-reloads", "htmx is led to another host, unseen", "handoff_starting",
         "return as_whole_page()", "return begin(request, client, need)"),
    ),
    *of(
        "handoff/navigation",
        ("forms-stay", "a form is led away and its content lost", "handoff_parts handoff",
         'request.method != "GET" or ', ""),
        ("robots-stay", "a robot is led away from the page", "handoff_parts handoff_starting",
         ' or BOTS.search(request.headers.get("User-Agent", ""))', ""),
        ("navigations-only", "a script or an image is led away", "handoff_parts handoff_starting",
         "if not is_top_level(request):", "if request is None:"),
        ("endpoints-no-prefetch", "a code is spent in advance", "handoff_parts handoff_requests",
         "is_top_level(request)) and not is_prefetch(request)", "is_top_level(request))"),
    ),
    *of(
        "handoff/adopting",
        ("merged-id-ends", "an id lives on after it was merged", "handoff",
         'run(current_store().delete(keys.hash_id(old_id), "merged", now_ms()))', "return"),
        ("person-not-adopted", "somebody signed in is merged with whom the authority knows", "handoff_layers",
         " and not mall.signed_in", ""),
        ("person-not-absorbed", "the master takes over somebody signed in on a peer", "handoff_peers handoff_layers",
         " and not old.get(SIGNED_IN)", ""),
        ("person-not-joined", "somebody's visitor is given to another id", "handoff_layers",
         "if source is None or source.user_id is not None:", "if source is None:"),
        ("django-notes-stay", "who is signed in is carried to another id", "handoff_layers",
         '(name == MESSAGES or not name.startswith("_")) and ', ""),
    ),
    *of(
        "merging",
        ("merge-once", "what a visitor has is merged twice", "merging", "        if first:\n", "        if True:\n"),
        ("merge-no-two-people", "two people become one", "merging",
         " or found[source.pk].user_id is not None", ""),
        ("merge-in-community", "visitors of two communities become one", "merging",
         " or source.community_id != target.community_id", ""),
    ),
    *of(
        "cookies",
        ("cookie-mac", "anybody writes a cookie", "keys_and_cookies",
         "if not keys.verify(use, mac, *parts):", "if use is None:"),
        ("cookie-host", "a cookie of one host is good on another", "keys_and_cookies handoff_cookies",
         "epoch, host, session_id, issued", "epoch, session_id, issued"),
        ("cookie-community", "a cookie of one community is good in another", "keys_and_cookies",
         'community = member.community if member else ""', 'community = ""'),
        ("cookie-community-signed", "a cookie does not say which community it is of", "handoff_layers",
         '|sess", community, epoch, ', '|sess", epoch, '),
        ("cookie-community-key", "one key signs for all communities", "handoff_layers",
         '"mall|{community}|sess"', '"mall|sess"'),
        ("cookie-epoch", "no cookie is ever revoked", "keys_and_cookies handoff_cookies",
         "str(member.key_epoch if member else 1)", '"1"'),
        ("cookie-age", "a cookie is good for ever", "keys_and_cookies", " <= options().cookie_age", ""),
        ("cookie-prefix", "a sibling domain or plain HTTP sets the cookie", "keys_and_cookies",
         'f"__Host-Http-{bare}" if settings.SESSION_COOKIE_SECURE else bare', "bare"),
        ("cookie-twice", "one of two cookies of a name is believed", "keys_and_cookies handoff_cookies",
         " if name not in twice}", "}"),
        ("cookie-strict-spaces", "a space smuggles a prefix in", "keys_and_cookies handoff_cookies",
         r'name = name.strip(" \t")', "name = name.strip()"),
    ),
    *of(
        "middleware",
        ("cookie-strict", "Django's parser reads the cookies", "keys_and_cookies",
         'request.COOKIES = cookies.parse(request.META.get("HTTP_COOKIE", ""))', "pass"),
    ),
    *of(
        "context",
        ("ended-is-no-id", "an id that was rotated, merged or signed out is handed on", "handoff handoff_layers",
         "if self.session is None or self.session.ended:", "if self.session is None:"),
    ),
    *of(
        "keys",
        ("local-id-marked", "an id that a host made for itself passes for the community's", "handoff handoff_peers",
         "if member and not member.is_master:", "if member is False:"),
        ("key-of-use", "what one key signs is good for another use", "keys_and_cookies",
         "hmac.digest(secret.encode(), use.encode(), hashlib.sha256)", "secret.encode()"),
    ),
    *of(
        "gate",
        ("gate-known-hosts", "a host outside the registry gets the mall's pages", "gate",
         'return registry.resolve(named["host"])',
         'return registry.resolve(named["host"]) or registry.resolve("mall.test")'),
        ("gate-host-shape", "a name that only begins like a host's passes", "gate", "HOST.fullmatch(", "HOST.match("),
        ("ask-token", "anybody asks which domains are served", "gate",
         "not token or not hmac.compare_digest(given.encode(), token.encode())", "token is None"),
    ),
    *of(
        "communities",
        ("wildcard-one-label", "a wildcard serves any depth below it", "registry gate",
         "above = self.wildcards.get(parent)",
         'above = next((self.wildcards[name] for name in self.wildcards if host.endswith(f".{name}")), None)'),
        ("wildcard-label-shape", "a wildcard serves names that are no host's", "registry gate",
         " or not LABEL.fullmatch(label)", ""),
    ),
]  # fmt: skip

# Not defences: what the check must tell from one. The first does no harm, so nobody can notice; the second is no
# working code, and the red that it makes proves nothing.
CONTROLS = of(
    "handoff/paths",
    ("control-comment", "a comment says something else", "handoff_parts", '# "no cookies": this', "# This"),
    ("control-crash", "the module breaks", "handoff_parts", 'path.startswith("/")', 'pth.startswith("/")'),
)

BY_NAME = {mutant.name: mutant for mutant in (*MUTANTS, *CONTROLS)}
