"""What hand-offs tell of themselves: figures by outcome and reason, and the developers' page, with DEBUG only."""

import pytest

from sessions_farm.communities.handoff import audit
from sessions_farm.communities.handoff.circuit_breakers import FAILED_PROBES, breaker_of
from sessions_farm.communities.models import Community
from sessions_farm.communities.tests.support.walking import COOKIE, MALL, A, B, answered, go, mall_of, with_changed
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")

prometheus_client = pytest.importorskip("prometheus_client")


@pytest.fixture
def figures():
    """What was added since the test began: ``figures("farm_handoffs", outcome="started")``."""
    before = {}

    def read(name, **labels):
        only = prometheus_client.REGISTRY.restricted_registry([f"{name}_total"])  # others ask the database
        samples = [sample for metric in only.collect() for sample in metric.samples]
        return sum(sample.value for sample in samples if sample.name == f"{name}_total" and sample.labels == labels)

    kinds = {
        audit.Outcome: ("farm_handoffs", "outcome"),
        audit.SkipReason: ("farm_handoffs_skipped", "reason"),
        audit.RefusalReason: ("farm_handoff_refusals", "reason"),
    }
    for kind, (name, label) in kinds.items():
        for what in kind:
            before[name, what.name.lower()] = read(name, **{label: what.name.lower()})

    def added():
        now = {key: read(key[0], **{"outcome" if key[0] == "farm_handoffs" else "reason": key[1]}) for key in before}
        return {key: now[key] - before[key] for key in before if now[key] != before[key]}

    return added


def test_first_visit_counts_each_step_once(figures):
    BrowserClient().get(f"{A}/")

    assert figures() == {
        ("farm_handoffs", "started"): 1,
        ("farm_handoffs", "code_issued"): 1,
        ("farm_handoffs", "finished"): 1,
    }


def test_browser_without_cookies_counts_as_that(figures):
    browser = BrowserClient(cookies=False)
    browser.get(f"{A}/")
    browser.get(browser.url)
    assert figures()["farm_handoffs", "cookies_off"] == 1
    assert figures()["farm_handoffs_skipped", "gave_up"] == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": "x"}, "unknown_code"),
        ({"state": "x"}, "invalid_state"),
        ({"iss": "b.test"}, "issuer_mismatch"),
    ],
)
def test_refused_answers_count_by_their_reason(figures, changes, reason):
    browser = BrowserClient()
    go(browser, with_changed(answered(browser), **changes))

    assert figures()["farm_handoff_refusals", reason] == 1


def test_code_of_another_browser_counts_as_a_grant_that_does_not_fit(figures):
    from urllib.parse import parse_qs, urlsplit  # noqa: PLC0415

    attacker, victim = BrowserClient(), BrowserClient()
    code = parse_qs(urlsplit(answered(attacker)).query)["code"][0]
    go(victim, with_changed(answered(victim), code=code))
    assert figures()["farm_handoff_refusals", "grant_mismatch"] == 1


def test_page_without_id_counts_why_it_began_none(figures):
    breaker_of("mall.test").record_probe(answered=True)
    for _ in range(FAILED_PROBES):
        breaker_of("mall.test").record_probe(answered=False)
    BrowserClient().get(f"{A}/")
    assert figures() == {("farm_handoffs_skipped", "authority_down"): 1}


def test_page_of_who_is_known_counts_nothing(figures):
    browser = BrowserClient()
    browser.get(f"{A}/")
    before = figures()
    Community.objects.filter(slug="mall").update(handoff_policy="off")
    browser.get(f"{A}/p/x")
    assert figures() == before


def test_debug_page_is_not_there_without_debug():
    assert BrowserClient().get(f"{A}/.mall/debug").status_code == 404


def test_debug_page_tells_what_was_done_and_why(settings):
    settings.DEBUG = True
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.click(f"{B}/p/y")
    page = browser.get(f"{B}/.mall/debug").content.decode()

    assert "No hand-off: this host knows who this is." in page
    assert "This host knows no id of this browser. mall.test is asked." in page
    assert "This host knows no id of this browser. a.test is asked." in page
    assert page.count("The answer was taken: the id is this host&#x27;s too.") == 2
    assert mall_of(browser).key_hash[:8] in page


def test_debug_page_says_what_would_happen(settings):
    settings.DEBUG = True
    browser = BrowserClient()
    page = browser.get(f"{A}/.mall/debug").content.decode()
    assert browser.redirects == 0
    assert "A hand-off: This host knows no id of this browser. mall.test would be asked." in page
    page = browser.get(f"{A}/.mall/debug", **{"Sec-GPC": "1"}).content.decode()
    assert "The policy is lazy" in page
    page = browser.get(f"{MALL}/.mall/debug").content.decode()
    assert "the master makes an id itself" in page


def test_debug_page_shows_no_secret(settings):
    settings.DEBUG = True
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    shown = browser.get(f"{A}/.mall/debug").content.decode()

    assert mall_of(browser).id not in shown
    assert browser.jar("a.test")[f"{COOKIE}-hs"].split(".")[0] not in shown
