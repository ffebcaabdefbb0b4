"""Plans: the SQL of a fresh build with the arguments in their places, and a fresh build wherever that is not sure."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Case, F, Value, When
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from sessions_farm.communities import query_plans
from sessions_farm.communities.models import Community, Domain, Visitor, VisitorKey
from sessions_farm.communities.query_plans import (
    CountDistinctRows,
    CountRows,
    MaxRows,
    MinRows,
    PlanError,
    SumRows,
    attach,
    planned,
    planned_by,
    planned_delete,
    planned_updates,
)
from sessions_farm.communities.query_plans import planned_update as planned_change

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="Plans are for PostgreSQL."),
]


@planned
def domains(hosts, community_id, is_alias, kind):
    found = Domain.objects.filter(host__in=hosts, community=community_id).select_related("community")
    found = found if is_alias is None else found.filter(canonical__isnull=not is_alias)
    return found.filter(kind=kind).annotate(shown=Value("shown")).order_by("host")


@planned_by("count")
def some_hosts(community_id, count):
    return Domain.objects.filter(community=community_id).order_by("host").values_list("host", flat=True)[:count]


@planned_change
def made_at(visitor_id, at):
    return Visitor.objects.filter(pk=visitor_id), {"created_at": at}


@planned_updates
def moved(visitor_id, key_hash, at):
    return [
        (VisitorKey.objects.filter(visitor=visitor_id), {"created_at": at}),
        *([(VisitorKey.objects.filter(key_hash=key_hash), {"created_at": at})] if key_hash is not None else []),
        (Visitor.objects.filter(pk=visitor_id), {"created_at": at}),
    ]


@planned_delete
def forgotten(visitor_id):
    return VisitorKey.objects.filter(visitor=visitor_id)


@pytest.fixture
def community():
    made = Community.objects.create(slug="plans", name="Plans")
    for host in ("a.test", "b.test", "c.test"):
        Domain.objects.create(community=made, host=host)
    return made


def statements(query, *args, **kwargs):
    with CaptureQueriesContext(connection) as captured:
        found = query(*args, **kwargs)
    return found, [each["sql"] for each in captured]


@pytest.mark.parametrize("hosts", [["a.test"], ["b.test", "c.test"], {"a.test", "no.test"}])
@pytest.mark.parametrize("is_alias", [None, True, False])
def test_plan_is_the_fresh_build(community, hosts, is_alias):
    arguments = {"hosts": list(hosts), "community_id": community.pk, "is_alias": is_alias, "kind": "exact"}
    for _ in range(2):  # made, then used
        rows, sql = statements(domains, **arguments)
        fresh, fresh_sql = statements(domains.fresh, **arguments)
        assert (sql, rows) == (fresh_sql, fresh)
        assert [(row.shown, row.community) for row in rows] == [(row.shown, row.community) for row in fresh]


def test_each_call_has_its_own_arguments(community):
    found = [domains([host], community.pk, None, "exact") for host in ("a.test", "b.test", "a.test")]
    assert [[row.host for row in rows] for rows in found] == [["a.test"], ["b.test"], ["a.test"]]
    assert not domains(["a.test"], community.pk + 1, None, "exact")


def test_plan_is_built_once(community, monkeypatch):
    calls = []
    query = planned(lambda community_id: calls.append(community_id) or Domain.objects.filter(community=community_id))
    assert {len(query(community.pk)) for _ in range(3)} == {3}
    assert len(calls) == 1


@pytest.mark.parametrize("odd", [0, "", [f"{number}.test" for number in range(200)], 1.5, [None], object()])
def test_odd_argument_is_built_anew(odd):
    built = []
    query = planned(lambda argument: built.append(argument) or Domain.objects.none())
    assert query(odd) == query(odd) == []
    assert built == [odd, odd]


def test_empty_list_selects_nothing(community):
    assert domains([], community.pk, None, "exact") == []


def test_builder_that_looks_at_a_value_fails_at_once():
    with pytest.raises(PlanError):
        planned(lambda size: Domain.objects.all()[:1] if size > 5 else Domain.objects.all())(7)
    with pytest.raises(PlanError):
        planned(lambda host: Domain.objects.all()[: 1 if host == "a.test" else 2])("a.test")
    with pytest.raises(PlanError):
        planned(lambda host: Domain.objects.filter(host=f"www.{host}"))("a.test")


def test_constants_have_plans_of_their_own(community):
    assert [len(some_hosts(community.pk, count)) for count in (1, 2, 3, 1)] == [1, 2, 3, 1]


def test_rows_without_grouping(community):
    counted = planned(lambda pk: Domain.objects.filter(community=pk).order_by().values_list(CountRows(), flat=True))
    summed = planned(
        lambda pk: Domain.objects.filter(community=pk).order_by().values_list(SumRows(F("community_id")), flat=True)
    )
    assert (counted(community.pk), summed(community.pk)) == ([3], [3 * community.pk])
    assert (counted(community.pk + 1), summed(community.pk + 1)) == ([0], [None])


def test_update_and_delete(community):
    visitor = Visitor.objects.create(community=community)
    VisitorKey.objects.create(key_hash="plans", visitor=visitor)
    for at in (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)):
        assert statements(made_at, visitor.pk, at) == statements(made_at.fresh, visitor_id=visitor.pk, at=at)
        assert Visitor.objects.get(pk=visitor.pk).created_at == at
    assert [forgotten(visitor.pk), forgotten(visitor.pk), forgotten(uuid.uuid4())] == [1, 0, 0]


@pytest.mark.parametrize("key_hash", ["other", None])
def test_updates_of_several_tables_are_one_statement(community, key_hash):
    visitors = [Visitor.objects.create(community=community) for _ in range(2)]
    for visitor, name in zip(visitors, ("plans", "other"), strict=True):
        VisitorKey.objects.create(key_hash=name, visitor=visitor)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for update, expected in ((moved, 1), (moved.fresh, 3 if key_hash else 2)):
        at += timedelta(days=1)
        count, sql = statements(update, visitor_id=visitors[0].pk, key_hash=key_hash, at=at)
        assert (count, len(sql)) == (1, expected)
        assert Visitor.objects.filter(created_at=at).count() == 1
        assert VisitorKey.objects.filter(created_at=at).count() == (2 if key_hash else 1)


def test_sums_with_a_condition_for_each(community):
    kinds = planned(
        lambda pk, host: Domain.objects.filter(community=pk).order_by().values_list(
            CountDistinctRows(Case(When(host__lt=host, then=F("pk")), default=None)),
            MinRows(F("host")),
            MaxRows(Case(When(host__lt=host, then=F("host")), default=None)),
        )
    )  # fmt: skip
    assert kinds(community.pk, "c.test") == [(2, "a.test", "b.test")]


def test_change_that_takes_more_than_a_statement_has_no_plan(community):
    with pytest.raises(PlanError):  # its visitors go with it
        planned_delete(lambda pk: Community.objects.filter(pk=pk))(community.pk)
    with pytest.raises(PlanError):  # its queryset raises the registry's version
        planned_change(lambda pk: (Community.objects.filter(pk=pk), {"name": "Other"}))(community.pk)


@pytest.mark.django_db(transaction=True)
def test_lock_outside_of_a_transaction_is_refused_as_ever():
    query = planned(lambda slug: Community.objects.filter(slug=slug).select_for_update())
    for _ in range(2):
        with pytest.raises(TransactionManagementError):
            query("plans")


def test_routers_are_asked(community, settings, monkeypatch):
    built = []
    query = planned(lambda pk: built.append(pk) or Domain.objects.filter(community=pk))
    monkeypatch.setattr(query_plans.router, "routers", [object()], raising=False)
    query(community.pk)
    assert built == [community.pk]


def test_attached_rows_are_read_without_a_query(community, django_assert_num_queries):
    rows = list(Community.objects.filter(pk=community.pk))
    attach(rows, "domains", list(Domain.objects.order_by("host")), by="community_id")
    with django_assert_num_queries(0):
        assert [domain.host for domain in rows[0].domains.all()] == ["a.test", "b.test", "c.test"]
        assert rows[0].domains.all()[0].community is rows[0]
    with pytest.raises(AttributeError):
        rows[0].domains.filter(host="a.test")
