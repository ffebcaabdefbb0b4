"""What Django says a session does, in every store and by both of its names for each method."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.sessions.backends.base import CreateError, UpdateError

from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support.both_ways import BOTH_WAYS, Farm, farm_settings, in_both_ways

UNKNOWN = "thiskeywasnevergiventoanybody00"
ODD_KEYS = [
    "../../../etc/passwd",
    "..\\..\\windows",
    "/dev/stdin",
    "a" * 5000,
    "nul\0nul\0nul",
    "line\nline\nline",
    "ключ-ключ",
    "{a}:{b}:{c}",
    "%00%2e%2e%2f",
    "        ",
    "' OR 1=1 --",
]
HELD = {"a": 1, "b": [2]}  # what the sessions hold that a table's calls are made on


@pytest.fixture(params=BOTH_WAYS)
def farm(request, settings, tmp_path):
    name, way = request.param
    settings.SESSIONS_FARM = farm_settings(name, tmp_path)
    return Farm(way)


def call(name, *args, **kwargs):
    return SimpleNamespace(name=name, args=args, kwargs=kwargs)


READS = [
    (call("get", "a"), 1),
    (call("get", "none"), None),
    (call("get", "none", 7), 7),
    (call("has_key", "a"), True),
    (call("has_key", "none"), False),
    (call("pop", "none", 9), 9),
    (call("pop", "none", None), None),
    (call("pop", "none", default="named"), "named"),
    (call("setdefault", "a", 5), 1),
    (call("test_cookie_worked"), False),
    (call("get_expire_at_browser_close"), False),
]
WRITES = [
    (call("set", "c", {"d": None}), None, HELD | {"c": {"d": None}}),
    (call("set", "a", 2), None, HELD | {"a": 2}),
    (call("set", "a", 1), None, HELD),
    (call("pop", "a"), 1, {"b": [2]}),
    (call("pop", "a", 3), 1, {"b": [2]}),
    (call("setdefault", "c", 5), 5, HELD | {"c": 5}),
    (call("update", {"b": 3, "c": 4}), None, {"a": 1, "b": 3, "c": 4}),
    (call("update", {}), None, HELD),
    (call("set_test_cookie"), None, HELD | {SessionStore.TEST_COOKIE_NAME: SessionStore.TEST_COOKIE_VALUE}),
    (call("set_expiry", 60), None, HELD | {"_session_expiry": 60}),
]
REFUSED = [call("pop", "none"), call("delete_test_cookie")]


async def made(session, asked):
    return await getattr(session, asked.name)(*asked.args, **asked.kwargs)


@in_both_ways
async def test_new_session_has_neither_key_nor_marks(farm):
    session = farm()
    assert (session.key, session.marks, session.session.is_empty(), bool(session.session)) == (
        None,
        (False, False),
        True,
        False,
    )
    assert await session.get("x") is None
    assert dict(await session.items()) == {}
    assert (session.key, session.marks, bool(session.session)) == (None, (True, False), False)
    await session.set("x", 1)
    assert (session.key, session.marks, bool(session.session)) == (None, (True, True), True)


@in_both_ways
async def test_reads_answer_and_change_nothing(farm):
    key = (await farm.saved(**HELD)).key
    for asked, answer in READS:
        session = farm(key)
        assert (await made(session, asked), session.marks) == (answer, (True, False)), asked
    session = farm(key)
    found = [sorted(await session.keys()), sorted(await session.values(), key=str), sorted(await session.items())]
    assert (found, session.marks) == ([["a", "b"], [1, [2]], [("a", 1), ("b", [2])]], (True, False))
    assert await farm.stored(key) == HELD


@in_both_ways
async def test_writes_answer_and_are_kept(farm):
    for asked, answer, kept in WRITES:
        session = farm((await farm.saved(**HELD)).key)
        assert (await made(session, asked), session.marks) == (answer, (True, True)), asked
        await session.save()
        assert await farm.stored(session.key) == kept, asked


@in_both_ways
async def test_what_was_taken_can_be_put_again(farm):
    session = farm((await farm.saved(**HELD)).key)
    await session.pop("a")
    await session.set("a", 3)
    await session.pop("b")
    await session.set("b", [2])
    await session.save()
    assert await farm.stored(session.key) == {"a": 3, "b": [2]}


@in_both_ways
async def test_writes_to_a_new_session_are_kept_too(farm):
    for asked in [call("set", "a", 1), call("update", {"a": 1}), call("setdefault", "a", 1)]:
        session = farm()
        await made(session, asked)
        await session.save()
        assert await farm.stored(session.key) == {"a": 1}, asked


@in_both_ways
async def test_what_is_not_there_cannot_be_taken(farm):
    key = (await farm.saved(**HELD)).key
    for asked in REFUSED:
        session = farm(key)
        with pytest.raises(KeyError):
            await made(session, asked)
        assert session.marks == (True, False), asked


@in_both_ways
async def test_marks_are_the_callers_to_reset(farm):
    session = farm()
    await session.set("a", 1)
    for asked in [call("get", "a"), call("has_key", "a"), call("keys"), call("values"), call("items")]:
        session.unmark()
        await made(session, asked)
        assert session.marks == (True, False), asked


@in_both_ways
async def test_what_has_no_twin_works_on_a_session_that_was_loaded(farm):
    session = farm((await farm.saved(**HELD)).key)
    await session.get("a")
    plain = session.session
    assert ("a" in plain, "none" in plain, plain["a"], bool(plain)) == (True, False, 1, True)
    with pytest.raises(KeyError):
        plain["none"]
    with pytest.raises(KeyError):
        del plain["none"]
    assert session.marks == (True, False)
    del plain["a"]
    assert session.marks == (True, True)
    await session.save()
    assert await farm.stored(session.key) == {"b": [2]}


@in_both_ways
async def test_clear_empties_and_keeps_the_key(farm):
    session = farm((await farm.saved(**HELD)).key)
    key = session.key
    session.session.clear()
    assert (dict(await session.items()), session.marks) == ({}, (True, True))
    await session.save()
    assert (session.key, await session.exists(key), await farm.stored(key)) == (key, True, {})


@in_both_ways
async def test_empty_session_can_be_saved_and_lives(farm):
    session = farm()
    await session.save()
    assert session.key
    assert await session.exists(session.key)
    assert bool(farm(session.key).session)  # it may hold something, as long as nobody has looked


@in_both_ways
async def test_save_keeps_what_the_request_has_and_can_be_repeated(farm):
    session = await farm.saved(a=1)
    key = session.key
    assert await session.get("a") == 1
    await session.set("b", 2)
    await session.save()
    await session.save()
    assert (session.key, await session.get("b"), await farm.stored(key)) == (key, 2, {"a": 1, "b": 2})


@in_both_ways
async def test_second_save_does_not_write_the_first_ones_values_again(farm):
    session = await farm.saved(a=1)
    other = farm(session.key)
    await other.set("a", 2)
    await other.save()
    await session.set("b", 3)
    await session.save()
    assert await farm.stored(session.key) == {"a": 2, "b": 3}


@in_both_ways
async def test_create_makes_another_session_each_time(farm):
    session = farm()
    await session.create()
    first = session.key
    assert (await session.exists(first), session.marks[1]) == (True, True)
    await session.set("a", 1)
    await session.save()
    await session.create()
    assert session.key not in {None, first}
    assert (await farm.stored(first), await session.exists(session.key)) == ({"a": 1}, True)


@in_both_ways
async def test_key_that_is_taken_is_not_given_again(farm):
    key = (await farm.saved(a=1)).key
    with pytest.raises(CreateError):
        await farm(key).save(must_create=True)
    assert await farm.stored(key) == {"a": 1}


@in_both_ways
async def test_delete_ends_the_session_it_is_told_to(farm):
    one, two, three = [await farm.saved(n=number) for number in range(3)]
    await one.delete()
    await one.delete(two.key)
    await one.delete(UNKNOWN)
    await farm().delete()
    assert [await three.exists(session.key) for session in (one, two, three)] == [False, False, True]
    assert [await farm.stored(session.key) for session in (one, two, three)] == [{}, {}, {"n": 2}]


@in_both_ways
async def test_flush_leaves_nothing_and_begins_anew(farm):
    session = farm((await farm.saved(**HELD)).key)
    old = session.key
    await session.flush()
    assert (session.key, session.session.is_empty(), session.marks[0]) == (None, True, True)
    assert (await session.exists(old), await farm.stored(old)) == (False, {})
    await session.set("c", 3)
    await session.save()
    assert session.key not in {None, old}
    assert (await farm.stored(session.key), await farm.stored(old)) == ({"c": 3}, {})


@in_both_ways
async def test_flush_is_a_modification(farm):
    session = await farm.saved(**HELD)
    await session.flush()
    assert session.marks == (True, True)


@in_both_ways
async def test_flush_of_what_was_never_saved_is_harmless(farm):
    for key in (None, UNKNOWN):
        session = farm(key)
        await session.flush()
        await session.flush()
        assert (session.key, session.session.is_empty()) == (None, True)


@in_both_ways
async def test_cycle_key_moves_everything_and_ends_the_old_key(farm):
    for was_read in (True, False):
        session = farm((await farm.saved(**HELD)).key)
        old = session.key
        if was_read:
            await session.get("a")
        await session.cycle_key()
        assert session.key not in {None, old}
        assert (await session.exists(old), dict(await session.items()), session.marks[1]) == (False, HELD, True)
        await session.save()
        assert (await session.exists(old), await session.exists(session.key)) == (False, True)
        assert await farm.stored(session.key) == HELD


@in_both_ways
async def test_cycle_key_of_a_new_session_keeps_what_it_has(farm):
    session = farm()
    await session.set("a", 1)
    await session.cycle_key()
    await session.save()
    assert await farm.stored(session.key) == {"a": 1}


@in_both_ways
async def test_session_that_another_request_ended_is_not_brought_back(farm):
    for end in ("delete", "flush"):
        late = await farm.saved(a=1)
        key = late.key
        await getattr(farm(key), end)()
        await late.set("a", 2)
        with pytest.raises(UpdateError):
            await late.save()
        assert (dict(await late.load()), await farm().exists(key), await farm.stored(key)) == ({}, False, {})


@in_both_ways
async def test_unknown_key_finds_nothing_makes_nothing_and_is_not_kept(farm):
    session = farm(UNKNOWN)
    assert dict(await session.load()) == {}
    assert (session.key, await session.exists(UNKNOWN), await session.exists(None)) == (None, False, False)
    session = farm(UNKNOWN)
    await session.set("a", 1)
    await session.save()
    assert session.key not in {None, UNKNOWN}
    assert (await farm.stored(session.key), await session.exists(UNKNOWN)) == ({"a": 1}, False)


@in_both_ways
async def test_key_that_no_store_would_give_is_an_unknown_one(farm):
    for key in ODD_KEYS:
        session = farm(key)
        assert (await session.get("a"), await farm().exists(key)) == (None, False), key
        await session.set("a", 1)
        await session.save()
        assert session.key not in {None, key}
        await session.delete(key)
        assert await farm.stored(session.key) == {"a": 1}, key


@in_both_ways
async def test_key_has_eight_characters_at_least_and_nobody_sets_it(farm):
    assert [farm(key).key for key in (None, "", "1", "1234567")] == [None] * 4
    assert farm("12345678").key == "12345678"
    session = farm("1")
    await session.save()
    assert len(session.key) >= 8
    with pytest.raises(AttributeError):
        session.session.session_key = "12345678"


@in_both_ways
async def test_test_cookie_comes_back_once(farm):
    session = await farm.saved()
    await session.set_test_cookie()
    await session.save()
    again = farm(session.key)
    assert await again.test_cookie_worked()
    await again.delete_test_cookie()
    assert again.marks == (True, True)  # Django's own async one forgets to say so
    await again.save()
    assert not await farm(session.key).test_cookie_worked()
