"""What a session may hold comes back as it was, in every store: any JSON, documents, any name."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from django.core import signing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions_farm.session.serializer import NAME_LIMIT
from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support.both_ways import BOTH_WAYS, Farm, farm_settings, in_both_ways


@pytest.fixture(params=BOTH_WAYS)
def farm(request, settings, tmp_path):
    name, way = request.param
    settings.SESSIONS_FARM = farm_settings(name, tmp_path)
    return Farm(way)


def test_encoded_session_can_be_decoded_and_nothing_else(caplog):
    session, held = SessionStore(), {"a": 1, "b": [2]}
    text = session.encode(held)
    assert session.decode(text) == held
    for foreign in (f"{text}x", "bad:signed:value", "bm90aGluZw==", ""):
        caplog.clear()
        assert session.decode(foreign) == {}
        assert [record.name for record in caplog.records] == ["django.security.SuspiciousSession"]
    assert session.decode(signing.TimestampSigner(salt=session.key_salt).sign("signed, and no JSON")) == {}


@in_both_ways
async def test_key_that_is_no_text_becomes_one(farm):
    """As in a JSON session of Django's, where the next request finds the text; here the same request does, too."""
    given = {1: "a", 2.5: "b", None: "c", False: "d"}
    control = json.loads(json.dumps(given))
    session = await farm.saved(x=1)
    for key, value in given.items():
        await session.set(key, value)
        assert await session.get(key) == value
    assert await session.has_key(None)
    await session.save()
    assert await farm.stored(session.key) == control | {"x": 1}
    assert await farm(session.key).pop(1) == "a"


# Any JSON there is: what has two texts, or none in some encodings, too.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=50)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)
NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=NAME_LIMIT).filter(
    lambda name: not name.startswith("_")  # Django's own and the farm's: those mean something
)


@given(st.dictionaries(NAMES, VALUES, max_size=6), st.dictionaries(NAMES, VALUES, max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_comes_back_as_it_was(farm, first, then):
    farm.run(keep_and_change, farm, first, then)


async def keep_and_change(farm, first, then):
    key = (await farm.saved(**first)).key
    session = farm(key)
    assert_same(dict(await session.items()), first)
    await session.update(then)
    await session.save()
    assert_same(await farm.stored(key), first | then)


def test_name_that_has_no_bytes_is_refused_when_it_is_set():
    session = SessionStore()
    with pytest.raises(ValueError, match="names no session variable"):
        session["\ud800"] = 1


def assert_same(found, expected):
    """Equal, and of the same types: 1 is neither True nor 1.0."""
    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)


def catalogue(size):
    """An XML document of some ``size`` characters, with what tends to break: entities, CDATA, any script, NEL, CRLF."""
    item = '<item id="{}"><name>Käse &amp; "Brot" 面包 🍞</name><![CDATA[</item> \x85 ]] >]]>\r\n\t</item>\n'
    count = size // len(item) + 1
    return f'<?xml version="1.0"?>\n<items>{"".join(item.format(number) for number in range(count))}</items>'


@in_both_ways
async def test_text_documents_come_back_to_the_letter(farm):
    document = catalogue(100_000)
    session = await farm.saved(document=document, page="/1")
    again = farm(session.key)
    found = await again.get("document")
    assert found == document
    assert ElementTree.fromstring(found).find("item/name").text == 'Käse & "Brot" 面包 🍞'
    await again.set("page", "/2")
    await again.save()
    again = farm(session.key)
    await again.set("document", document[:-1])
    await again.save()
    assert await farm.stored(session.key) == {"document": document[:-1], "page": "/2"}
