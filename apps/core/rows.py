"""Many rows of a table written by one statement."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from django.db import connections, router
from django.db.models import JSONField

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import Field, Model

_ELEMENTS = """ARRAY(
    SELECT one FROM jsonb_array_elements(%s) WITH ORDINALITY AS each (one, n) ORDER BY n
)"""


def update_each(rows: Sequence[Model], *, fields: Iterable[str]) -> int:
    """Write some columns of rows that are there, each row its own values.

    A column travels as one array, so that a statement has as many parameters as
    columns, whatever the number of rows: `bulk_update` has a case a row and column,
    and inserting with a conflict brings all columns of each row along.

    Args:
        rows: Of one model, each with its primary key.
        fields: Names of what is written, without fields that are arrays themselves;
            those that keep the time of a change (`auto_now`) are brought up to date.

    Returns:
        How many rows there were to write.
    """
    if not rows:
        return 0
    about = type(rows[0])._meta
    key = about.pk
    written: list[Field[Any, Any]] = [about.get_field(name) for name in fields]  # type: ignore[misc]
    if key is None:
        raise TypeError(f"{about.label} has no primary key.")
    connection = connections[router.db_for_write(type(rows[0]))]
    quoted = connection.ops.quote_name
    columns = [
        (quoted(str(field.column)), *_array(rows, field, connection))
        for field in (key, *written)
    ]
    arrays = ", ".join(array for _, array, _ in columns)
    names = ", ".join(name for name, _, _ in columns)
    changes = ", ".join(f"{name} = fresh.{name}" for name, _, _ in columns[1:])
    table, own = quoted(about.db_table), quoted(str(key.column))
    statement = (  # names of ours only, all values are parameters
        f"UPDATE {table} AS kept SET {changes}"  # noqa: S608
        f" FROM UNNEST({arrays}) AS fresh({names}) WHERE kept.{own} = fresh.{own}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for _, _, value in columns])
        return int(cursor.rowcount)


def _array(
    rows: Sequence[Model], field: Field[Any, Any], connection: Any
) -> tuple[str, Any]:
    """Return a column as an array: how it is written in SQL, and its parameter.

    JSON travels as one document. In an array of texts each of its quotes would have to
    be escaped, which takes longer than all else of a statement.
    """
    if isinstance(field, JSONField):
        values = [field.pre_save(row, add=False) for row in rows]
        if all(value is not None for value in values):
            return _ELEMENTS, connection.ops.adapt_json_value(values, field.encoder)
    stored = [_plain(_stored(row, field, connection)) for row in rows]
    return f"%s::{_kind(field, connection)}[]", stored


def _kind(field: Field[Any, Any], connection: Any) -> str:
    """Return a column's type without its length: a cast to that cuts off in silence."""
    return str(field.db_type(connection)).partition("(")[0]


def _stored(row: Model, field: Field[Any, Any], connection: Any) -> Any:
    return field.get_db_prep_save(field.pre_save(row, add=False), connection)


def _plain(value: Any) -> Any:
    """Return a choice's value: an array is of one type."""
    return value.value if isinstance(value, Enum) else value
