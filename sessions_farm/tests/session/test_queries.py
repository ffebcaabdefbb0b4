"""What may be known over all sessions: declared variables only, live sessions only, on every store, by both names."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync

from sessions_farm.declarations import OWNER
from sessions_farm.session import queries
from sessions_farm.tests.support.declared_farm import EVERY_STORE, again, handle, saved, use


@pytest.fixture(params=EVERY_STORE, autouse=True)
def farm(request, settings, tmp_path):
    use(settings, request.param, tmp_path)


@pytest.fixture
def shop():
    """Three on two pages."""
    return [saved(page="/tea", mood="gay", secret=1), saved(page="/tea"), saved(page="/soap")]


def handles(found):
    return {one.handle for one in found}


def test_count_and_find(shop):
    tea, other, soap = shop
    assert queries.count() == async_to_sync(queries.acount)() == 3
    assert handles(queries.find(page="/tea")) == {handle(tea), handle(other)}
    assert handles(async_to_sync(queries.afind)(page="/soap")) == {handle(soap)}
    assert len(queries.find()) == 3
    assert len(queries.find(limit=2)) == 2
    assert queries.find(page="/nowhere") == []


def test_index_follows_what_is_written(shop):
    moved = again(shop[0])
    moved["page"] = "/soap"
    moved.save()
    moved.cycle_key()
    moved.save()
    gone = again(shop[1])
    del gone["page"]
    gone.save()
    again(shop[2]).delete()
    assert queries.find(page="/tea") == []
    assert handles(queries.find(page="/soap")) == {handle(moved)}
    assert queries.count() == 2


def test_only_shared_variables_are_seen(shop):
    (found,) = [one for one in queries.find(page="/tea") if one.handle == handle(shop[0])]
    assert found.shared == {"page": "/tea", "mood": "gay"}
    assert queries.value("mood", handle(shop[0])) == "gay"
    assert async_to_sync(queries.avalue)("page", handle(shop[1])) == "/tea"
    assert queries.value("mood", "x" * 43) is None


def test_undeclared_variables_are_refused(shop):
    with pytest.raises(ValueError, match="secret"):
        queries.find(secret=1)
    with pytest.raises(ValueError, match="mood"):
        queries.find(mood="gay")
    with pytest.raises(ValueError, match="secret"):
        queries.value("secret", handle(shop[0]))


def test_handle_opens_no_session(shop):
    found = queries.find(page="/tea")[0]
    thief = again(shop[0])
    thief._session_key = found.handle
    assert type(thief)(found.handle).get("page") is None


def test_devices_of_a_person_and_signing_out_everywhere():
    anna, ben = SimpleNamespace(pk=7), SimpleNamespace(pk=8)
    mine = [saved(**{OWNER: str(anna.pk)}) for _ in range(3)]
    his = saved(**{OWNER: str(ben.pk)})
    assert handles(queries.devices(anna)) == {handle(session) for session in mine}
    assert queries.end_everywhere(anna, spare=again_loaded(mine[0])) == 2
    assert handles(queries.devices(anna)) == {handle(mine[0])}
    assert [again(session).get(OWNER) for session in mine] == [str(anna.pk), None, None]
    assert async_to_sync(queries.aend_everywhere)(anna) == 1
    assert handles(async_to_sync(queries.adevices)(ben)) == {handle(his)}


def again_loaded(session):
    here = again(session)
    here.load()
    return here


def test_session_is_ended_by_its_handle(shop):
    queries.end(handle(shop[0]))
    async_to_sync(queries.aend)(handle(shop[1]))
    assert queries.find(page="/tea") == []
    assert again(shop[0]).get("page") is None
