"""Plans of hot queries: Django compiles each to SQL once a process, and later calls only put their arguments into it.

Building a queryset and its SQL costs several times what running it does. A *builder* is a function of plain arguments
that returns a queryset; decorated with ``planned`` it returns the rows. The first call hands the builder parameters
instead of values, so the SQL cannot depend on a value: a builder that looks at one fails at once. What an argument can
change about the SQL is part of the plan's key: whether it is None or a boolean, the length of a list, and the value of
those that ``constants`` names.

Whatever a plan cannot be sure of is built anew, as without it: arguments of other types, 0 and "", long lists, another
database than PostgreSQL, database routers. ``fresh`` is that build, for comparison. A foreign key is compared with a
list by ``vendor__pk__in``, since Django wants plain values in ``vendor__in``.
"""

from __future__ import annotations

import functools
import sys
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from datetime import date, datetime
from inspect import Parameter as Argument
from inspect import signature
from typing import Any, NoReturn, Self
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections, router, transaction
from django.db.models import Expression, Func, IntegerField, QuerySet, Value
from django.db.models.deletion import Collector
from django.db.models.sql import DeleteQuery, UpdateQuery

PLANS_EACH = 128  # of one builder: its keys, by the lengths of lists
LONGEST_LIST = 100
SCALARS = frozenset({int, str, UUID, date, datetime})  # PostgreSQL's driver takes these as Django's fields prepare them
SEQUENCES = frozenset({list, tuple, set, frozenset})
CONSTANTS = frozenset({bool, type(None)})


class PlanError(Exception):
    """Report a builder whose query depends on a value."""


class Parameter(Value):
    """Stand for an argument, or for one item of a list, while a plan is compiled."""

    def __init__(self, name: str, position: int | None = None) -> None:
        super().__init__(None)
        self.name, self.position = name, position

    def as_sql(self, *_: Any) -> tuple[str, list[Self]]:  # type: ignore[override]  # the parameter itself is found again
        """Return a placeholder, with this parameter as its value."""
        return "%s", [self]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Expression) or sys._getframe(1).f_globals["__name__"].startswith("django."):
            return super().__eq__(other)
        return self._refuse()

    def _refuse(self, *_: object) -> NoReturn:
        raise PlanError(f"The query may not depend on the value of {self.name}.")

    __hash__ = Value.__hash__
    __lt__ = __le__ = __gt__ = __ge__ = __str__ = __int__ = _refuse


class Plan:
    """Hold the SQL of one key, and the places of the arguments among its parameters."""

    def __init__(self, alias: str, compiler: Any, source: QuerySet[Any]) -> None:
        self.alias, self.compiler, self.source = alias, compiler, source
        self.sql, parameters = compiler.as_sql()
        self.parameters = list(parameters)
        self.places = [
            (place, parameter.name, parameter.position)
            for place, parameter in enumerate(self.parameters)
            if isinstance(parameter, Parameter)
        ]
        self.locks = bool(source.query.select_for_update)

    def bind(self, arguments: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the parameters with the arguments in their places."""
        bound = self.parameters.copy()
        for place, name, position in self.places:
            bound[place] = arguments[name] if position is None else arguments[name][position]
        return tuple(bound)


class BoundQuery:
    """Give the iterables of a queryset a compiler whose SQL is there already."""

    def __init__(self, plan: Plan, parameters: tuple[Any, ...]) -> None:
        self._query = plan.source.query
        self._compiler = compiler = copy(plan.compiler)
        compiler.connection = connections[plan.alias]
        compiler.as_sql = lambda *_, **__: (plan.sql, parameters)

    def get_compiler(self, *_: Any, **__: Any) -> Any:
        """Return the compiler."""
        return self._compiler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._query, name)


class BoundRows:
    """Hold what the iterables of a queryset read of it."""

    def __init__(self, plan: Plan, parameters: tuple[Any, ...]) -> None:
        self.query, self.db, self.model = BoundQuery(plan, parameters), plan.alias, plan.source.model
        for name in ("_fetch_mode", "_fields", "_hints", "_known_related_objects"):
            setattr(self, name, getattr(plan.source, name))


class PlannedQuery[Result](ABC):
    """Run a builder's query by a plan; the subclasses say which kind of statement it is."""

    def __init__(self, builder: Callable[..., Any], constants: Collection[str] = ()) -> None:
        self.builder = builder
        self.constants = frozenset(constants)
        arguments = signature(builder).parameters
        self._names = tuple(arguments)
        self._required = {name for name, argument in arguments.items() if argument.kind is not Argument.VAR_KEYWORD}
        self._plans: OrderedDict[tuple[object, ...], Plan] = OrderedDict()
        functools.update_wrapper(self, builder)

    def __call__(self, *args: Any, **kwargs: Any) -> Result:
        """Return the rows, or their number for a change."""
        arguments = dict(zip(self._names, args, strict=False)) | kwargs
        plan = self.plan_for(arguments)
        if plan is None:
            return self.fresh(**arguments)
        return self.run(plan, plan.bind(arguments))

    def plan_for(self, arguments: dict[str, Any]) -> Plan | None:
        """Return the plan of the arguments, made where there is none; None where they must be built anew.

        Sets are made lists in ``arguments``.
        """
        if router.routers or not self._required <= arguments.keys():
            return None
        key = self._key(arguments)
        if key is None:
            return None
        plan = self._plans.get(key)
        if plan is None:
            try:
                plan = self._plans[key] = self._make_plan(arguments)
            except EmptyResultSet:  # an empty list selects nothing: there is no SQL
                return None
            if len(self._plans) > PLANS_EACH:
                self._plans.popitem(last=False)
        connection = connections[plan.alias]
        if connection.vendor != "postgresql" or (plan.locks and connection.get_autocommit()):
            return None
        return plan

    def _key(self, arguments: dict[str, Any]) -> tuple[object, ...] | None:
        key: list[object] = []
        for name, value in arguments.items():
            kind = type(value)
            if name in self.constants or kind in CONSTANTS:
                key.append((name, value))
            elif kind in SCALARS and value:  # a parameter is true, as every expression is
                key.append(name)
            elif kind in SEQUENCES and len(value) <= LONGEST_LIST and {type(item) for item in value} <= SCALARS:
                arguments[name] = list(value)
                key.append((name, len(value), "items"))
            else:
                return None
        return tuple(key)

    def _make_plan(self, arguments: Mapping[str, Any]) -> Plan:
        return self.compile(
            {
                name: value if name in self.constants else _parameters_for(name, value)
                for name, value in arguments.items()
            }
        )

    @abstractmethod
    def compile(self, arguments: Mapping[str, Any]) -> Plan:
        """Compile the builder's query."""

    @abstractmethod
    def run(self, plan: Plan, parameters: tuple[Any, ...]) -> Result:
        """Run a plan."""

    @abstractmethod
    def fresh(self, **arguments: Any) -> Result:
        """Build the query anew, and run it."""


class Rows[Row](PlannedQuery[list[Row]]):
    """Select rows."""

    def first(self, *args: Any, **kwargs: Any) -> Row | None:
        """Return the first row, or None."""
        return next(iter(self(*args, **kwargs)), None)

    def compile(self, arguments: Mapping[str, Any]) -> Plan:
        """Compile a SELECT."""
        rows: QuerySet[Any] = self.builder(**arguments)
        if rows._prefetch_related_lookups:  # type: ignore[attr-defined]  # noqa: SLF001 -- they would be built each time
            raise PlanError(f"{self.builder.__qualname__} prefetches; plan the second query, too.")
        return Plan(rows.db, rows.query.get_compiler(rows.db), rows)

    def run(self, plan: Plan, parameters: tuple[Any, ...]) -> list[Row]:
        """Return the rows."""
        iterable: Any = plan.source._iterable_class  # noqa: SLF001 -- of models or tuples
        return list(iterable(BoundRows(plan, parameters)))

    def fresh(self, **arguments: Any) -> list[Row]:
        """Return the rows of a query that is built anew."""
        return list(self.builder(**arguments))


class Change(PlannedQuery[int]):
    """Change rows by one statement; return their number."""

    def run(self, plan: Plan, parameters: tuple[Any, ...]) -> int:
        """Run the statement."""
        connection = connections[plan.alias]
        with transaction.mark_for_rollback_on_error(plan.alias), connection.cursor() as cursor:
            cursor.execute(plan.sql, parameters)
            return int(cursor.rowcount)

    def _refuse_more_than_a_statement(self, *, is_one: bool) -> None:
        if not is_one:
            raise PlanError(
                f"{self.builder.__qualname__} needs more than one statement: its model has other work to do."
            )


class Update(Change):
    """Update rows; the builder returns a queryset and the new values."""

    def compile(self, arguments: Mapping[str, Any]) -> Plan:
        """Compile an UPDATE."""
        rows, values = self.builder(**arguments)
        self._refuse_more_than_a_statement(is_one=type(rows).update is QuerySet.update)
        query = rows.query.chain(UpdateQuery)
        query.add_update_values(values)
        query.annotations = {}
        return Plan(rows.db, query.get_compiler(rows.db), rows)

    def fresh(self, **arguments: Any) -> int:
        """Update by a query that is built anew."""
        rows, values = self.builder(**arguments)
        return int(rows.update(**values))


class Statements:
    """Compile updates of several tables to one statement; each sees the rows as they were before all."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = plans

    def as_sql(self) -> tuple[str, list[Any]]:
        """Return all but the last as common table expressions of the last."""
        *others, last = [plan.sql for plan in self.plans]
        tables = ", ".join(f"change_{number} AS ({sql})" for number, sql in enumerate(others))
        sql = f"WITH {tables} {last}" if others else last
        return sql, [parameter for plan in self.plans for parameter in plan.parameters]


class Updates(Change):
    """Update rows of several tables at once; the builder returns pairs as of ``Update``."""

    def compile(self, arguments: Mapping[str, Any]) -> Plan:
        """Compile one statement of all updates."""
        plans = [Update(lambda pair=pair: pair).compile({}) for pair in self.builder(**arguments)]
        return Plan(plans[-1].alias, Statements(plans), plans[-1].source)

    def fresh(self, **arguments: Any) -> int:
        """Update one table after the other; return the number of rows of the last."""
        return [int(rows.update(**values)) for rows, values in self.builder(**arguments)][-1]


class Delete(Change):
    """Delete rows that nothing depends on."""

    def compile(self, arguments: Mapping[str, Any]) -> Plan:
        """Compile a DELETE."""
        rows = self.builder(**arguments)
        is_plain = type(rows).delete is QuerySet.delete
        can_be_one = Collector(using=rows.db, origin=rows).can_fast_delete(rows)
        self._refuse_more_than_a_statement(is_one=is_plain and can_be_one)
        query = rows.query.clone()
        query.__class__ = DeleteQuery
        return Plan(rows.db, query.get_compiler(rows.db), rows)

    def fresh(self, **arguments: Any) -> int:
        """Delete by a query that is built anew."""
        return int(self.builder(**arguments).delete()[0])


def planned[Row](builder: Callable[..., QuerySet[Any, Row]]) -> Rows[Row]:
    """Return the rows of a builder's queryset as a list, by a plan."""
    return Rows(builder)


def planned_by[Row](*constants: str) -> Callable[[Callable[..., QuerySet[Any, Row]]], Rows[Row]]:
    """Return a decorator like ``planned``, with a plan of its own for each value of some arguments."""
    return functools.partial(Rows, constants=constants)


class CountRows(Func):
    """Count the rows of a query without grouping: ``rows.order_by().values_list(CountRows())`` is one row."""

    template = "COUNT(*)"
    output_field = IntegerField()


class CountDistinctRows(Func):
    """Count the different values of an expression over the rows of a query, likewise."""

    template = "COUNT(DISTINCT %(expressions)s)"
    output_field = IntegerField()


class SumRows(Func):
    """Sum an expression over the rows of a query, likewise; None where there is no row."""

    function = "SUM"
    output_field = IntegerField()


class MinRows(Func):
    """Return the least value of an expression over the rows of a query, likewise."""

    function = "MIN"


class MaxRows(Func):
    """Return the greatest value of an expression over the rows of a query, likewise."""

    function = "MAX"


def planned_update(builder: Callable[..., tuple[QuerySet[Any], dict[str, Any]]]) -> Update:
    """Update the rows of a builder's queryset with its values, by a plan; return their number."""
    return Update(builder)


def planned_updates(builder: Callable[..., list[tuple[QuerySet[Any], dict[str, Any]]]]) -> Updates:
    """Update the rows of several tables by one statement, by a plan; return the number of the last's rows."""
    return Updates(builder)


def planned_delete(builder: Callable[..., QuerySet[Any]]) -> Delete:
    """Delete the rows of a builder's queryset, by a plan; return their number."""
    return Delete(builder)


def attach(rows: Iterable[Any], name: str, related: Iterable[Any], *, by: str) -> None:
    """Give rows their related ones as prefetch_related does: ``attach(goods, "images", found, by="product_id")``.

    ``goods.images.all()`` is then a plain tuple: a query on it is an error, where a prefetched queryset would run one.
    """
    grouped: dict[object, list[Any]] = {}
    for one in related:
        grouped.setdefault(getattr(one, by), []).append(one)
    for row in rows:
        own = tuple(grouped.get(row.pk, ()))
        row.__dict__.setdefault("_prefetched_objects_cache", {})[name] = own
        for one in own:
            type(row)._meta.get_field(name).field.set_cached_value(one, row)


def _parameters_for(name: str, value: Any) -> Any:
    if type(value) in SCALARS:
        return Parameter(name)
    if type(value) in CONSTANTS:
        return value
    return [Parameter(name, position) for position in range(len(value))]
