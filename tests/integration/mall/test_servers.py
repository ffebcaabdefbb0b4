"""The private servers of laptop and tests."""

from django.db import connection


def test_private_postgres_answers(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_user")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT lower('É')")
        assert cursor.fetchone() == ("é",)


def test_private_redis_answers(redis_client):
    redis_client.set("a", 1)
    assert redis_client.get("a") == b"1"
