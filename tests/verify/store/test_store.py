"""One SQLite file: chunks are committed whole or not at all, and what cannot be done is told."""

import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from fake_chunks import PLAN, failure
from hypothesis import given
from hypothesis import strategies as st

from nn_from_scratch.verify.store.asking import Found
from nn_from_scratch.verify.store.plan import Plan, PlanError
from nn_from_scratch.verify.store.store import Store, StoreError
from nn_from_scratch.verify.store.tally import added

ALL = range(1000)
COUNTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9))
TALLIES = st.fixed_dictionaries(
    {"graphs": COUNTS, "oracles": st.dictionaries(st.sampled_from("xy"), COUNTS)},
    optional={"largest": st.dictionaries(st.sampled_from("abc"), st.floats(0, 9))},
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    with Store(path) as made:
        made.begin(PLAN, 100)
        made.commit(Found(10, {"graphs": {"right": 10}}))
    return path


@given(TALLIES, TALLIES, TALLIES)
def test_tallies_add_up_in_any_order(one: object, two: object, three: object) -> None:
    first: dict[str, object] = added(added(one, two), three)  # type: ignore[arg-type]
    assert first == added(three, added(two, one))  # type: ignore[arg-type]
    assert added({}, one) == one  # type: ignore[arg-type]


def test_what_was_committed_is_there_again(store: Path) -> None:
    with Store(store) as again:
        assert (again.plan, again.graphs, again.done(ALL)) == (PLAN, 100, {10})
        assert again.done(range(11, 1000)) == again.done(range(10)) == set()
        assert (again.total, again.chunks) == ({"graphs": {"right": 10}}, 1)


def test_a_chunk_is_committed_whole_or_not_at_all(store: Path) -> None:
    found = Found(20, {"graphs": {"wrong": 1}}, [failure("a")])
    with Store(store) as again:
        without_a_key = replace(found, failures=[failure("b"), {}])
        with pytest.raises(KeyError):
            again.commit(without_a_key)
    with Store(store) as again:
        assert (again.done(ALL), again.total, again.failures) == ({10}, {"graphs": {"right": 10}}, [])
        again.commit(found)
        assert again.total == {"graphs": {"right": 10, "wrong": 1}}
        with pytest.raises(StoreError, match="UNIQUE"):
            again.commit(found)  # a chunk counts once
        assert again.total == {"graphs": {"right": 10, "wrong": 1}}


@pytest.mark.parametrize("order", [(20, 30, 40), (40, 30, 20), (30, 40, 20)])
def test_of_the_same_failures_the_first_is_kept(store: Path, order: tuple[int, ...]) -> None:
    with Store(store) as again:
        for first in order:
            again.commit(Found(first, {}, [{**failure("a"), "message": str(first)}, failure("b")]))
        told = [(one["operation"], one["first"], one["chunks"]) for one in again.failures]
        assert told == [("a", 20, 3), ("b", 20, 3)]
        assert next(one["message"] for one in again.failures if one["operation"] == "a") == "20"


def test_another_campaign_is_not_added_to_it(store: Path) -> None:
    others: dict[str, Plan] = {
        "seed was 0, and is 1 now": replace(PLAN, seed=1),
        "engine was 'fake', and is 'other' now": replace(PLAN, engine="other"),
        "the engine's file has changed": replace(PLAN, file="abc"),
        "suite was '1', and is '2' now": replace(PLAN, suite="2"),
    }
    with Store(store) as again:
        for said, plan in others.items():
            with pytest.raises(PlanError, match=f"{said}: .*; begin another store"):
                again.begin(plan, 100)
        again.begin(PLAN, 1000)
        assert again.graphs == 1000


def test_what_is_no_store_is_told(store: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no database " * 100)
    with pytest.raises(StoreError, match="is no store of a campaign"):
        Store(text)
    assert text.read_text() == "no database " * 100
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    with pytest.raises(StoreError, match="is a database of something else"):
        Store(other)
    with sqlite3.connect(store) as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(StoreError, match="of version 7, and this suite writes version 1: go on"):
        Store(store)
    with pytest.raises(StoreError, match="unable to open database file"):
        Store(tmp_path / "no" / "such" / "folder.db")


def test_a_store_is_held_by_one_campaign(store: Path) -> None:
    with Store(store), pytest.raises(StoreError, match="another campaign is at work on"):
        Store(store)
    with Store(store) as again:
        assert again.done(ALL) == {10}


def test_a_full_disk_is_told_and_takes_nothing(store: Path) -> None:
    with Store(store) as again:
        again._database.execute("PRAGMA max_page_count = 8")
        large = Found(20, {"graphs": {"right": 1, "x" * 50_000: 1}})
        with pytest.raises(StoreError, match="is full: what was committed is kept; make room"):
            again.commit(large)
        assert (again.done(ALL), again.total) == ({10}, {"graphs": {"right": 10}})
    with Store(store) as again:
        assert (again.done(ALL), again.total) == ({10}, {"graphs": {"right": 10}})
        again.commit(large)
        assert again.done(ALL) == {10, 20}


def test_of_what_was_not_begun_no_file_is_left(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(path) as new:
        assert (new.plan, new.graphs) == (None, 0)
    assert list(tmp_path.iterdir()) == []
    path.touch()
    with Store(path):
        pass
    assert path.exists()  # somebody else has made it
    with Store(path) as empty:
        empty.begin(PLAN, 100)
    with Store(path) as again:
        assert (again.plan, again.graphs) == (PLAN, 100)


@pytest.mark.parametrize(("graphs", "whole"), [(1, 10), (10, 10), (995, 1000), (10**10 + 1, 10**10 + 10)])
def test_whole_chunks_are_asked(graphs: int, whole: int) -> None:
    assert PLAN.whole(graphs) == whole


def test_a_store_is_a_file_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store(Path(":memory:")) as made:
        made.begin(PLAN, 100)
    with Store(tmp_path / ":memory:") as again:
        assert again.plan == PLAN
    os.mkfifo("pipe")
    for path in (Path("pipe"), Path("/dev/null"), tmp_path):
        with pytest.raises(StoreError, match="is no file"):
            Store(path)
