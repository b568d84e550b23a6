"""The store of a campaign: one SQLite file, to which chunks are committed whole or not at all.

Tables, of version 1 (`PRAGMA user_version`; `PRAGMA application_id` is that of this suite):

* ``plan(name TEXT PRIMARY KEY, value TEXT)``: what is asked, a field of `Plan` a row, as JSON.
* ``target(graphs INTEGER)``: one row, how many graphs there are to be.
* ``chunk(first INTEGER PRIMARY KEY)``: the chunks that are done, by the index of their first graph.
* ``total(tally TEXT)``: one row, the sum of all their tallies (`tally`), as JSON.
* ``failure(key TEXT PRIMARY KEY, first INTEGER, times INTEGER, told TEXT)``: failures, one for each minimal
  program and what is blamed for it (`key_of`); the chunk of the example that is kept, which is that of the
  first chunk, in how many chunks it was found, and the example as in the results JSON.

A chunk, the total and its failures change in one transaction. The journal is a write-ahead log, and a commit
waits for the disk. A campaign holds the file for itself: the lock is the system's, and ends with the process.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nn_from_scratch.verify.store.asking import Found
from nn_from_scratch.verify.store.plan import Plan
from nn_from_scratch.verify.store.tally import Tally, added, key_of

VERSION = 1
_APPLICATION = 0x6E6E6673  # "nnfs"
_TABLES = """
CREATE TABLE plan (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE target (graphs INTEGER NOT NULL);
CREATE TABLE chunk (first INTEGER PRIMARY KEY);
CREATE TABLE total (tally TEXT NOT NULL);
CREATE TABLE failure (
    key TEXT PRIMARY KEY, first INTEGER NOT NULL, times INTEGER NOT NULL, told TEXT NOT NULL
);
INSERT INTO total VALUES ('{}');
"""
_KEEP_THE_FIRST = """
INSERT INTO failure VALUES (:key, :first, 1, :told) ON CONFLICT (key) DO UPDATE SET
    times = times + 1,
    told = CASE WHEN excluded.first < first THEN excluded.told ELSE told END,
    first = min(first, excluded.first)
"""


class StoreError(Exception):
    """A store cannot be read or written; the message says what to do."""


class Store:
    """An open store.

    Parameters
    ----------
    path
        The file. If there is none, it is made when the campaign begins.

    Raises
    ------
    StoreError
        If it is no store, one of another version, at work for another campaign, or cannot be written.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_new = not path.exists()
        if not self._is_new and not path.is_file():
            raise StoreError(f"{path} is no file: a store is one, which is made if there is none")
        with self._told():
            # As a whole path: SQLite takes ":memory:" for no file at all.
            self._database = sqlite3.connect(path.absolute(), timeout=1.0, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._database.close()
                raise

    def _open(self) -> None:
        # Nobody else reads or writes until this process ends.
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        if not self._has_tables:
            return
        if self._number("PRAGMA application_id") != _APPLICATION:
            raise StoreError(f"{self.path} is a database of something else: name another file")
        version = self._number("PRAGMA user_version")
        if version != VERSION:
            raise StoreError(
                f"{self.path} is a store of version {version}, and this suite writes version {VERSION}: go "
                "on with the suite that made it, or begin another store"
            )
        self._hold()

    @property
    def _has_tables(self) -> bool:
        return self._number("PRAGMA schema_version") > 0

    def _hold(self) -> None:
        """Take the file for this process alone, as the first transaction does."""
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        with self._transaction():
            pass

    def _make_tables(self) -> None:
        for statement in filter(str.strip, _TABLES.split(";")):
            self._database.execute(statement)
        self._database.execute(f"PRAGMA application_id = {_APPLICATION}")
        self._database.execute(f"PRAGMA user_version = {VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._database.close()
        if self._is_new and self.path.exists() and not self.path.stat().st_size:
            self.path.unlink()  # nothing was begun

    @property
    def plan(self) -> Plan | None:
        """What it is asked; None while nothing is begun."""
        if not self._has_tables:
            return None
        rows = {name: json.loads(value) for name, value in self._rows("SELECT name, value FROM plan")}
        return Plan(**rows)

    @property
    def graphs(self) -> int:
        """How many graphs there are to be; 0 while nothing is begun."""
        return self._number("SELECT graphs FROM target") if self._has_tables else 0

    def done(self, graphs: range) -> set[int]:
        """Return the first graphs of the chunks that are done and begin among some."""
        query = "SELECT first FROM chunk WHERE first >= ? AND first < ?"
        return {first for (first,) in self._rows(query, (graphs.start, graphs.stop))}

    @property
    def chunks(self) -> int:
        """How many chunks are done."""
        return self._number("SELECT count(*) FROM chunk")

    @property
    def failing_programs(self) -> int:
        """How many different failures there are."""
        return self._number("SELECT count(*) FROM failure")

    @property
    def total(self) -> Tally:
        """The sum of all their tallies."""
        ((tally,),) = self._rows("SELECT tally FROM total")
        total: Tally = json.loads(tally)
        return total

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The failures, each with the number of chunks that have it, in the order of their first ones."""
        rows = self._rows("SELECT first, times, told FROM failure ORDER BY first, key")
        return [{"first": first, "chunks": times, **json.loads(told)} for first, times, told in rows]

    def begin(self, plan: Plan, graphs: int) -> None:
        """Write how many graphs there are to be, and what is asked, or see that it is what was written.

        Raises
        ------
        PlanError
            If it is another campaign's.

        """
        before = self.plan
        if before is not None:
            before.require(plan)
        rows = [(name, json.dumps(value)) for name, value in asdict(plan).items()]
        if before is None:
            with self._told():
                self._hold()
        with self._transaction():
            if before is None:
                self._make_tables()
            self._database.executemany("INSERT OR REPLACE INTO plan VALUES (?, ?)", rows)
            self._database.execute("DELETE FROM target")
            self._database.execute("INSERT INTO target VALUES (?)", (graphs,))

    def commit(self, found: Found) -> None:
        """Keep what came of a chunk, all of it or nothing.

        Raises
        ------
        StoreError
            If it cannot be written, as on a full disk: what was committed before stays.

        """
        with self._transaction():
            self._database.execute("INSERT INTO chunk VALUES (?)", (found.first,))
            total = json.dumps(added(self.total, found.tally), sort_keys=True)
            self._database.execute("UPDATE total SET tally = ?", (total,))
            for key, failure in {key_of(failure): failure for failure in found.failures}.items():
                row = {"key": key, "first": found.first, "told": json.dumps(failure)}
                self._database.execute(_KEEP_THE_FIRST, row)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell the database's errors as what can be done about them."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(_advice(self.path, str(error))) from error

    def _rows(self, query: str, values: tuple[int, ...] = ()) -> list[Any]:
        with self._told():
            return self._database.execute(query, values).fetchall()

    def _number(self, query: str) -> int:
        ((number,),) = self._rows(query)
        return int(number)


def _advice(path: Path, error: str) -> str:
    if "locked" in error:
        return f"another campaign is at work on {path}: wait for it, end it, or begin another store"
    if "full" in error:
        return f"the disk of {path} is full: what was committed is kept; make room and run the command again"
    if "not a database" in error or "malformed" in error:
        return f"{path} is no store of a campaign ({error}): name another file"
    return f"cannot use the store {path}: {error}"
