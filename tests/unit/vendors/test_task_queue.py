"""Where Celery's messages are: each address of a Redis as kombu wants it, and the words that refuse a faulty one."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection

from vendors import task_queue


def test_sentinels_are_each_named_with_the_login():
    found = task_queue.configured(
        "redis+sentinel://mall:a%20%2F;@one,[::1]:26380/farm/1?sentinel_username=s&sentinel_password=p"
    )
    assert found["url"] == "sentinel://mall:a%20%2F%3B@one:26379/1;sentinel://mall:a%20%2F%3B@[::1]:26380/1"
    options = found["options"]
    assert (options["master_name"], found["ssl"]) == ("farm", False)
    assert options["sentinel_kwargs"] == {"username": "s", "password": "p"} | task_queue.SENTINEL_WAITS
    with Connection(found["url"], transport_options=options) as connection:
        assert (connection.userid, connection.password, connection.virtual_host) == ("mall", "a /;", "1")
        assert len(connection.alt) == 2


def test_tls_goes_to_servers_and_sentinels():
    found = task_queue.configured("rediss+sentinel://one/farm?ssl_ca_certs=/ca.pem")
    assert found["ssl"] == {"ssl_cert_reqs": "required", "ssl_ca_certs": "/ca.pem"}
    assert found["options"]["sentinel_kwargs"]["ssl"] is True
    assert found["options"]["sentinel_kwargs"]["ssl_ca_certs"] == "/ca.pem"
    assert task_queue.configured("rediss://one/1")["ssl"] == {"ssl_cert_reqs": "required"}


@pytest.mark.parametrize(
    ("url", "kombus"),
    [
        ("redis://one", "redis://one:6379/0"),
        ("redis://mall:p%40@one:7000/1", "redis://mall:p%40@one:7000/1"),
        ("unix:///run/redis.sock?db=2", "redis+socket:///run/redis.sock?virtual_host=2"),
        ("amqp://mall:secret@rabbit//", "amqp://mall:secret@rabbit//"),
    ],
)
def test_other_addresses_are_kept(url, kombus):
    assert task_queue.configured(url)["url"] == kombus


def test_a_faulty_address_is_refused_by_its_name():
    with pytest.raises(ImproperlyConfigured, match="BROKER_URL cannot be read: with Sentinels it names them"):
        task_queue.configured("redis+sentinel://one:26379")
    with pytest.raises(ImproperlyConfigured, match="BROKER_URL begins with 'http'"):
        task_queue.configured("http://one")
