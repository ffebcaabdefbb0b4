"""The pickup API, asked as any program would by its OpenAPI document: leases, documents, receipts, tracking numbers."""

import json
from datetime import timedelta

import pytest
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error, response_schema_conformance, status_code_conformance

from cart.orders.models import Consignment
from shipping import agent_scripts, alarms, envelope, script_runs
from shipping.agent_scripts import OfferedScript
from shipping.models import Dispatch
from shipping.runner import drain, try_out
from tests.integration.shipping.conftest import order_in, signing_key

ROOT = "/ship/v1"
HOST = {"host": "mall.localhost"}


class Program:
    """A department's program: a client with its bearer token."""

    def __init__(self, client, vendor):
        self.client, self.key = client, signing_key(vendor)
        self.headers = HOST | {"authorization": f"Bearer {self.key.token}"}

    def get(self, path):
        return self.client.get(f"{ROOT}{path}", headers=self.headers)

    def post(self, path, document, **headers):
        content = document if isinstance(document, bytes) else json.dumps(document)
        return self.client.post(
            f"{ROOT}{path}", content, content_type="application/json", headers=self.headers | headers
        )

    def lease(self, most=20):
        return self.post("/leases", {"most": most}).json()["dispatches"]

    def signed(self, kind=envelope.RECEIPT, **document):
        payload = json.dumps(document).encode()
        signature = envelope.hmac.digest(self.key.shared, envelope.pae(kind, payload), "sha256")
        b64 = envelope.base64.b64encode
        own = {"keyid": self.key.key_id, "sig": b64(signature).decode()}
        return {"payload": b64(payload).decode(), "payloadType": kind, "signatures": [own]}


@pytest.fixture
def program(client, vendor, route_to):
    route_to("pull_http", {})
    return Program(client, "fowlers")


@pytest.fixture
def row(program, vendor, place_order, dispatch_of):
    return dispatch_of(place_order(vendor))


def test_order_is_leased_downloaded_acknowledged_and_listed(program, row):
    assert drain() == {}, "nothing is sent"
    (leased,) = program.lease()
    assert (leased["key"], leased["revision"], leased["action"], leased["sha256"]) == (row.key, 1, "ship", row.sha256)
    assert program.lease() == [], "it is leased"
    document = program.client.get(leased["document"], headers=program.headers)
    assert order_in(document.content)["lines"][0]["sku"] == "TEA-1"
    slip = program.client.get(leased["slip"], headers=program.headers)
    assert (slip.headers["content-type"], slip.content[:5]) == ("application/pdf", b"%PDF-")
    for _ in range(2):
        answer = program.post(f"/dispatches/{row.key}/ack", {"outcome": "applied", "sha256": row.sha256})
        assert (answer.status_code, answer.json()) == (200, {"key": row.key, "state": "acked"})
    row.refresh_from_db()
    assert (row.state, row.ack_by, row.attempts.get().outcome, row.acks.count()) == ("acked", "pickup", "sent", 1)
    listed = program.get("/dispatches").json()
    assert [(each["key"], each["state"]) for each in listed["dispatches"]] == [(row.key, "acked")]
    assert program.get(f"/dispatches?after={row.pk}").json() == {"dispatches": [], "next": None}


def test_program_that_dies_is_offered_the_order_again_and_a_late_word_counts(program, row):
    program.lease()
    Dispatch.objects.update(next_at=timezone.now() - timedelta(seconds=1))  # the lease has ended
    assert [each["key"] for each in program.lease()] == [row.key]
    wrong = program.post(f"/dispatches/{row.key}/ack", {"outcome": "applied", "sha256": "0" * 64})
    assert wrong.status_code == 409
    Dispatch.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    assert program.post(f"/dispatches/{row.key}/ack", {"outcome": "duplicate"}).status_code == 200
    assert program.lease() == []
    assert row.attempts.count() == 2


def test_order_that_cannot_be_worked_waits_for_a_person(program, row):
    program.lease()
    answer = program.post(f"/dispatches/{row.key}/ack", {"outcome": "rejected", "reason": "No such SKU"})
    assert answer.json()["state"] == "dead"
    row.refresh_from_db()
    assert "No such SKU" in row.reason
    assert [trouble.dead for trouble in alarms.find_troubles(timezone.now())] == [[row]]


def test_program_that_does_not_come_is_written_about(program, row):
    later = timezone.now() + timedelta(hours=25)
    assert alarms.find_troubles(timezone.now()) == []
    (trouble,) = alarms.find_troubles(later)
    assert [route.transport for route in trouble.routes] == ["pull_http"]
    program.lease()
    assert try_out([row.route])[0].startswith("Nothing is sent over it")


def test_signed_receipt_acknowledges_and_a_forged_one_does_not(program, row):
    receipt = program.signed(v=1, ack=row.key, outcome="applied", vendor="fowlers")
    other = Program(program.client, "thistle")
    forged = [
        other.signed(v=1, ack=row.key, outcome="applied"),
        receipt | {"payload": program.signed(v=1, ack=row.key, outcome="older")["payload"]},
        program.signed(envelope.ORDER, v=1, ack=row.key),
        receipt | {"signatures": []},
    ]
    assert [program.post("/receipts", each, authorization="").status_code for each in forged] == [401] * 4
    assert program.post("/receipts", program.signed(v=1, ack="csg_no")).status_code == 404
    assert program.post("/receipts", receipt, authorization="").json() == {"key": row.key, "state": "acked"}
    row.refresh_from_db()
    assert (row.ack_by, row.acks.get().outcome) == ("callback", "applied")


def test_tracking_number_reaches_the_shopper_by_sign_in_or_signature(program, vendor, place_order):
    first, second = (Consignment.objects.get(order=place_order(vendor)) for _ in range(2))
    word = {"carrier": "An Post", "tracking_number": "RR1"}
    for changed in (True, False):
        answer = program.post(f"/consignments/{first.number}/sent", word)
        assert (answer.status_code, answer.json()["changed"]) == (200, changed)
    signed = program.signed(envelope.SENDING, consignment=second.number, **word)
    assert program.post("/sendings", signed, authorization="").json()["changed"] is True
    for each in (first, second):
        each.refresh_from_db()
        assert (each.state, each.carrier, each.tracking_number) == ("sent", "An Post", "RR1")
    other = program.post(f"/consignments/{first.number}/sent", {"tracking_number": "RR2"})
    assert other.status_code == 409
    assert program.post("/consignments/M-0-1/sent", word).status_code == 404


def test_another_departments_key_finds_nothing_anywhere(program, row, make_vendor, route_to, client):
    program.lease()
    number = row.consignment.number
    route_to("pull_http", {}, seller=make_vendor("thistle"))
    rival = Program(client, "thistle")
    asked = [
        rival.get(f"/dispatches/{row.key}"),
        rival.get(f"/dispatches/{row.key}/slip.pdf"),
        rival.post(f"/dispatches/{row.key}/ack", {"outcome": "applied"}),
        rival.post("/receipts", rival.signed(v=1, ack=row.key, outcome="applied")),
        rival.post("/sendings", rival.signed(envelope.SENDING, consignment=number)),
        rival.post(f"/consignments/{number}/sent", {}),
        rival.get(f"/shared/{row.key}"),
        rival.post(f"/shared/{row.key}/used", {}),
        rival.post(f"/jobs/{row.key}/failure", {"outcome": "failed"}),
    ]
    assert [answer.status_code for answer in asked] == [404] * len(asked)
    assert rival.lease() == []
    assert rival.get("/dispatches").json()["dispatches"] == []
    row.refresh_from_db()
    assert row.state == "sent"


BODIES = {
    "/dispatches/{key}/ack": {"outcome": "applied"},
    "/consignments/{number}/sent": {},
    "/shared/{key}/used": {},
    "/jobs/{key}/failure": {"outcome": "failed"},
    "/runs/{key}/end": {"outcome": "done"},
}
"""Valid bodies of the requests that name something; a request that is not here has none."""


@pytest.mark.parametrize("line", ["pull_http", "agent"])
def test_each_request_that_names_something_is_404_to_another_department(
    line, program, vendor, place_order, dispatch_of, make_vendor, route_to
):
    """Each of the document's, so that a new one is asked too; the control is the department's own answer."""
    route = route_to(line, {"script": "take_order", "mode": "wait"} if line == "agent" else {})
    row = dispatch_of(place_order(vendor))
    route_to(line, {}, seller=make_vendor("thistle"))
    rival = Program(program.client, "thistle")
    named = {"key": row.key, "number": row.consignment.number}
    if line == "agent":
        scripts = [OfferedScript("report", by_hand=True)]
        agent_scripts.record_list(vendor_id=vendor.pk, scripts=scripts, every=1, now=timezone.now())
        wish = script_runs.Wish("report", {}, "wait", "text", script_runs.new_key())
        run = script_runs.start_run(route=route, wish=wish, user=None, now=timezone.now())
        named["key"] = run.key
    operations = [
        (method, path.removeprefix(ROOT))
        for path, found in program.client.get(f"{ROOT}/openapi.json", headers=HOST).json()["paths"].items()
        for method in found
        if "{" in path
    ]
    assert len(operations) >= 8
    theirs, own = [], set()
    for method, path in operations:
        address = path.format(**named)
        theirs.append(rival.post(address, BODIES[path]) if method == "post" else rival.get(address))
    assert [(answer.status_code, answer.request["PATH_INFO"]) for answer in theirs if answer.status_code != 404] == []
    for method, path in operations:
        address = path.format(**named)
        own.add((program.post(address, BODIES[path]) if method == "post" else program.get(address)).status_code)
    assert 200 in own
    row.refresh_from_db()
    assert row.state in {"ready", "acked"}


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer mk_0", "Bearer mk_0.x", "Basic eA==", "Bearer {key}.{other}"])
def test_wrong_tokens_are_refused(token, program, row):
    key, _, _ = program.key.token.partition(".")
    told = token.format(key=key, other=signing_key("thistle").token.partition(".")[2])
    for path in ("/dispatches", f"/dispatches/{row.key}"):
        answer = program.client.get(f"{ROOT}{path}", headers=HOST | {"authorization": told})
        assert answer.status_code == 401


@pytest.fixture
def api_schema(live_server):
    return schemathesis.openapi.from_url(f"{live_server.url}{ROOT}/openapi.json", headers=HOST)


@pytest.mark.django_db(transaction=True)
def test_nothing_that_the_document_allows_or_forbids_breaks_the_api(program, row, api_schema, scale, settings):
    """Requests that schemathesis makes up: no 5xx, and every answer is as the document says."""
    settings.PICKUP_REQUESTS_A_MINUTE = settings.DEPARTMENT_FAILURES_A_MINUTE = 0  # else most of them met a 429
    limits = hypothesis_settings(
        max_examples=3 if scale == 1 else 15 * scale,
        deadline=None,
        database=None,
        derandomize=scale == 1,  # make prove makes up other ones each time
        suppress_health_check=list(HealthCheck),
    )
    checks = [not_a_server_error, response_schema_conformance, status_code_conformance]
    operations = [found.ok() for found in api_schema.get_all_operations()]
    assert len(operations) >= 10
    for operation in operations:

        @limits
        @given(case=operation.as_strategy())
        def ask(case):
            case.call_and_validate(checks=checks, headers=program.headers, timeout=60)

        ask()
