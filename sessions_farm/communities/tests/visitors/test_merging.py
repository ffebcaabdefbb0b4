"""Merging visitors: once, in one transaction, never two people."""

import threading
import time

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from sessions_farm.communities.handoff.merge import merge_visitors_of_ids
from sessions_farm.communities.models import MergeMarker, Visitor, VisitorKey
from sessions_farm.communities.registry import registry
from sessions_farm.communities.signals import visitors_merging
from sessions_farm.communities.tests.support.handoff_site import LINES
from sessions_farm.communities.visitors import lookup as visitors_of
from sessions_farm.communities.visitors.merging import merge_visitors, surviving_visitor
from sessions_farm.tests.support.people import make_user


def visitors(two_communities, *, source_user=None, target_user=None):
    source = Visitor.objects.create(community=two_communities.mall, user=source_user)
    target = Visitor.objects.create(community=two_communities.mall, user=target_user)
    LINES[source.pk], LINES[target.pk] = ["spade"], ["rake"]
    return source, target


def person(name):
    return make_user(f"{name}@example.org")


def merge(source, target):
    return merge_visitors(source=source, target=target, now=timezone.now())


def test_merge_happens_once(walking_mall, two_communities):
    source, target = visitors(two_communities)

    assert merge(source, target)
    LINES[source.pk] = ["hoe"]  # a second merge would move this too
    assert not merge(source, target)
    assert LINES[target.pk] == ["rake", "spade"]


def test_merge_into_somebody_signed_in(walking_mall, two_communities):
    source, target = visitors(two_communities, target_user=person("anna"))

    assert merge(source, target)


def test_merge_of_two_people_is_refused(walking_mall, two_communities):
    source, target = visitors(two_communities, source_user=person("anna"), target_user=person("ben"))

    assert not merge(source, target)
    assert (LINES[source.pk], LINES[target.pk]) == (["spade"], ["rake"])


def test_merge_of_somebody_signed_in_into_nobody_is_refused(walking_mall, two_communities):
    source, target = visitors(two_communities, source_user=person("anna"))

    assert not merge(source, target)


def test_merge_over_communities_is_refused(walking_mall, two_communities):
    source, _ = visitors(two_communities)

    assert not merge(source, Visitor.objects.create(community=two_communities.fair))


def test_merge_is_undone_where_a_receiver_fails(walking_mall, two_communities):
    def fails(**kwargs):
        raise RuntimeError("no room")

    source, target = visitors(two_communities)
    visitors_merging.connect(fails)
    try:
        with pytest.raises(RuntimeError):
            merge(source, target)
    finally:
        visitors_merging.disconnect(fails)
    assert not MergeMarker.objects.exists()


def at_once(*calls):
    done, start = [], threading.Barrier(len(calls))

    def run(call):
        try:
            start.wait()
            done.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def test_merge_by_eight_threads_happens_once(committed_mall, two_communities):
    source, target = visitors(two_communities)
    done = at_once(*[lambda: merge(source, target)] * 8)

    assert sorted(done) == [False] * 7 + [True]
    assert LINES[target.pk] == ["rake", "spade"]


def lock_rows(source, target, **kwargs):
    """What a receiver does with rows of its own: source first, then target, which to and fro is two orders."""
    for visitor in (source, target):
        VisitorKey.objects.select_for_update().get(visitor=visitor)
        time.sleep(0.05)


def test_merge_to_and_fro_at_once_blocks_nobody(committed_mall, two_communities):
    source, target = visitors(two_communities)
    for visitor in (source, target):
        VisitorKey.objects.create(key_hash=str(visitor.pk), visitor=visitor)
    visitors_merging.connect(lock_rows)
    try:
        done = at_once(lambda: merge(source, target), lambda: merge(target, source))
    finally:
        visitors_merging.disconnect(lock_rows)

    assert done == [True, True]
    assert sorted(LINES[source.pk] + LINES[target.pk]) == ["rake", "spade"]


def points_to(visitor, answers):
    """A row that points to the visitor, written by somebody else who waits for half a second at most."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '500ms'")
        VisitorKey.objects.create(key_hash="another tab", visitor=visitor)
        answers.append("written")
    except OperationalError as error:
        answers.append(str(error))
    finally:
        connection.close()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks its whole file")
def test_merge_does_not_hold_up_rows_that_point_to_the_visitors(committed_mall, two_communities):
    source, target = visitors(two_communities)
    answers = []

    def meanwhile(**_kwargs):
        thread = threading.Thread(target=points_to, args=(source, answers))
        thread.start()
        thread.join()

    visitors_merging.connect(meanwhile)
    try:
        assert merge(source, target)
    finally:
        visitors_merging.disconnect(meanwhile)
    assert answers == ["written"]


def test_survivor_is_who_was_merged_into_last(walking_mall, two_communities):
    first, second = visitors(two_communities)
    third = Visitor.objects.create(community=two_communities.mall)
    assert surviving_visitor(first) == first
    merge(first, second)
    merge(second, third)
    assert [surviving_visitor(each) for each in (first, second, third)] == [third] * 3
    merge(third, first)  # to and fro
    assert [surviving_visitor(each) for each in (first, second, third)] == [first] * 3


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks its whole file")
def test_visitor_made_for_the_new_id_while_another_is_joined_to_it_is_merged(
    committed_mall, two_communities, monkeypatch
):
    """One tab brings along what an old id led to; another puts its first line into the cart under the new id."""
    member = registry.resolve("mall.test")
    LINES[visitors_of.get_or_create_visitor("the-old-id-of-24-letters", member).pk] = ["spade"]
    find, meanwhile = visitors_of.find_visitor, []

    def found(*session_ids):
        visitor = find(*session_ids)
        if "the-new-id-of-24-letters" in session_ids and not meanwhile:
            meanwhile.append("rake")
            in_another_tab(
                lambda: LINES[visitors_of.get_or_create_visitor("the-new-id-of-24-letters", member).pk].append("rake")
            )
        return visitor

    monkeypatch.setattr(visitors_of, "find_visitor", found)
    merge_visitors_of_ids("the-old-id-of-24-letters", "the-new-id-of-24-letters")

    assert sorted(LINES[find("the-new-id-of-24-letters").pk]) == ["rake", "spade"]


def in_another_tab(does):
    def run():
        try:
            does()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
