"""Blobs as rows of one PostgreSQL table: for replicas that share no folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from app.errors import BacklogUnavailable

_SCHEMA: Final = "icd_cascade"
_SCHEMA_LOCK: Final = 7_302_611_540_221_894_001  # two replicas that start together must not both create it
_CREATE: Final = (
    f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})",
    f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}",
    # "C": names are compared byte by byte, so that the order is that of the other stores and a prefix is a range
    f'CREATE TABLE IF NOT EXISTS {_SCHEMA}.blob (name text COLLATE "C" PRIMARY KEY, content bytea NOT NULL)',
)
_BLOB: Final = f"{_SCHEMA}.blob"
_BELOW: Final = "name >= :prefix AND name < :end"


class PostgresStore:
    """Every write is one statement in a transaction of its own."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(driver_url(url), pool_pre_ping=True, hide_parameters=True)
        with self._transaction() as connection:
            for statement in _CREATE:
                connection.execute(sa.text(statement))

    def put(self, name: str, content: bytes) -> None:
        """Write, or replace."""
        self._write(name, content, "ON CONFLICT (name) DO UPDATE SET content = excluded.content")

    def put_new(self, name: str, content: bytes) -> bool:
        """Write unless the name is taken."""
        return self._write(name, content, "ON CONFLICT DO NOTHING") > 0

    def get(self, name: str) -> bytes | None:
        """The content, or None."""
        rows = self._read(f"SELECT content FROM {_BLOB} WHERE name = :name", name=name)
        return bytes(rows[0][0]) if rows else None

    def names(self, prefix: str) -> list[str]:
        """All names below a prefix."""
        rows = self._read(f"SELECT name FROM {_BLOB} WHERE {_BELOW} ORDER BY name", **_range(prefix))
        return [row[0] for row in rows]

    def contents(self, prefix: str) -> dict[str, bytes]:
        """All blobs below a prefix."""
        rows = self._read(f"SELECT name, content FROM {_BLOB} WHERE {_BELOW} ORDER BY name", **_range(prefix))
        return {name: bytes(content) for name, content in rows}

    def delete(self, prefix: str) -> None:
        """Remove a row, or all below a prefix that ends with a slash."""
        where, values = (_BELOW, _range(prefix)) if prefix.endswith("/") else ("name = :name", {"name": prefix})
        with self._transaction() as connection:
            connection.execute(sa.text(f"DELETE FROM {_BLOB} WHERE {where}"), values)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _write(self, name: str, content: bytes, conflict: str) -> int:
        statement = sa.text(f"INSERT INTO {_BLOB} (name, content) VALUES (:name, :content) {conflict}")
        with self._transaction() as connection:
            return connection.execute(statement, {"name": name, "content": content}).rowcount

    def _read(self, statement: str, **values: str) -> list[Any]:
        with self._transaction() as connection:
            return list(connection.execute(sa.text(statement), values))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise BacklogUnavailable("The database of batches cannot be reached now.") from error


def driver_url(url: str) -> sa.URL:
    """A postgresql:// URL for the driver that is installed. Raises BacklogUnavailable for other databases."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise BacklogUnavailable("The URL of the backlog must begin with postgresql://.")
    return parsed.set(drivername="postgresql+psycopg")


def _range(prefix: str) -> dict[str, str]:
    return {"prefix": prefix, "end": prefix[:-1] + chr(ord(prefix[-1]) + 1)}
