import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from cart.checkout.payments.sandbox import signing

BODY = b'{"type": "charge.captured", "reference": "M-AAAA-22-1"}'


def test_notice_is_accepted_by_the_reference_verifier():
    now = datetime.now(UTC)
    headers = signing.notice_headers("evt_1", BODY, now)
    assert Webhook(base64.b64encode(signing.secret()).decode()).verify(BODY, headers)
    signing.check_notice(headers, BODY, now)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_notice_with_a_changed_header_is_refused(name):
    now = datetime.now(UTC)
    headers = signing.notice_headers("evt_1", BODY, now)
    at = len(headers[name]) - (3 if name.endswith("signature") else 1)  # base64's last characters hold fewer bits
    other = "1" if headers[name][at] != "1" else "2"
    changed = headers | {name: headers[name][:at] + other + headers[name][at + 1 :]}
    with pytest.raises(signing.SignatureError):
        signing.check_notice(changed, BODY, now)


def test_notice_with_a_changed_body_is_refused():
    now = datetime.now(UTC)
    with pytest.raises(signing.SignatureError):
        signing.check_notice(signing.notice_headers("evt_1", BODY, now), BODY.replace(b"22", b"33"), now)


def test_notice_that_is_old_is_refused():
    now = datetime.now(UTC)
    headers = signing.notice_headers("evt_1", BODY, now - timedelta(minutes=6))
    with pytest.raises(signing.SignatureError, match="time"):
        signing.check_notice(headers, BODY, now)


@pytest.mark.parametrize("stamp", ["", "-1", "1e9", "\u0661", "9" * 400, "9" * 5000], ids=lambda stamp: stamp[:5])
def test_notice_of_an_absurd_time_is_refused(stamp):
    now = datetime.now(UTC)
    headers = signing.notice_headers("evt_1", BODY, now) | {"webhook-timestamp": stamp}
    with pytest.raises(signing.SignatureError, match="time"):
        signing.check_notice(headers, BODY, now)


def test_return_of_another_payment_is_refused():
    with pytest.raises(signing.SignatureError):
        signing.check_return("M-BBBB-33-1", signing.return_signature("M-AAAA-22-1"))
