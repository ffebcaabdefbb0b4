"""What may be known over all sessions: declared variables only, live sessions only, on every store, by both names."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync

from sessions_farm import broker
from sessions_farm.declared import OWNER
from sessions_farm.tests.declared_farm import EVERY_STORE, again, handle, saved, use


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
    assert broker.count() == async_to_sync(broker.acount)() == 3
    assert handles(broker.find(page="/tea")) == {handle(tea), handle(other)}
    assert handles(async_to_sync(broker.afind)(page="/soap")) == {handle(soap)}
    assert len(broker.find()) == 3
    assert len(broker.find(limit=2)) == 2
    assert broker.find(page="/nowhere") == []


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
    assert broker.find(page="/tea") == []
    assert handles(broker.find(page="/soap")) == {handle(moved)}
    assert broker.count() == 2


def test_only_shared_variables_are_seen(shop):
    (found,) = [one for one in broker.find(page="/tea") if one.handle == handle(shop[0])]
    assert found.shared == {"page": "/tea", "mood": "gay"}
    assert broker.value("mood", handle(shop[0])) == "gay"
    assert async_to_sync(broker.avalue)("page", handle(shop[1])) == "/tea"
    assert broker.value("mood", "x" * 43) is None


def test_undeclared_variables_are_refused(shop):
    with pytest.raises(ValueError, match="secret"):
        broker.find(secret=1)
    with pytest.raises(ValueError, match="mood"):
        broker.find(mood="gay")
    with pytest.raises(ValueError, match="secret"):
        broker.value("secret", handle(shop[0]))


def test_handle_opens_no_session(shop):
    found = broker.find(page="/tea")[0]
    thief = again(shop[0])
    thief._session_key = found.handle
    assert type(thief)(found.handle).get("page") is None


def test_devices_of_a_person_and_signing_out_everywhere():
    anna, ben = SimpleNamespace(pk=7), SimpleNamespace(pk=8)
    mine = [saved(**{OWNER: str(anna.pk)}) for _ in range(3)]
    his = saved(**{OWNER: str(ben.pk)})
    assert handles(broker.devices(anna)) == {handle(session) for session in mine}
    assert broker.end_everywhere(anna, spare=again_loaded(mine[0])) == 2
    assert handles(broker.devices(anna)) == {handle(mine[0])}
    assert [again(session).get(OWNER) for session in mine] == [str(anna.pk), None, None]
    assert async_to_sync(broker.aend_everywhere)(anna) == 1
    assert handles(async_to_sync(broker.adevices)(ben)) == {handle(his)}


def again_loaded(session):
    here = again(session)
    here.load()
    return here


def test_session_is_ended_by_its_handle(shop):
    broker.end(handle(shop[0]))
    async_to_sync(broker.aend)(handle(shop[1]))
    assert broker.find(page="/tea") == []
    assert again(shop[0]).get("page") is None
