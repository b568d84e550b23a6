"""SIGKILL at moments drawn over the whole run, a third of them inside a commit: nothing committed is lost."""

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from fake_chunks import PLAN
from long_runs import WHOLE

from nn_from_scratch.verify.store.export import results_of
from nn_from_scratch.verify.store.store import Store

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals are POSIX"),
]

CHUNKS = 300
KILLS = {1: 34, 2: 33, 4: 33} if WHOLE else {1: 4, 2: 3, 4: 3}
"""By number of workers; of a hundred, CI makes ten."""
CAMPAIGN = """\
import os, signal, sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from fake_chunks import PLAN, ask

from nn_from_scratch.verify.store.running import Campaign
from nn_from_scratch.verify.store.store import Store

path, workers, chunks, inside = Path(sys.argv[1]), *map(int, sys.argv[2:])


with Store(path) as store:

    def before(statement):
        # All of a chunk is written, and not committed.
        if statement == "COMMIT" and committed[0] == inside:
            os.kill(os.getpid(), signal.SIGKILL)

    store.begin(PLAN, chunks * PLAN.chunk)
    # Workers hold no end of what this process says, so that it ends with this process.
    executors = partial(ProcessPoolExecutor, workers, get_context("fork"), os.close, (1,))

    def told(progress):
        committed[0] = progress.done // PLAN.chunk
        print(committed[0], flush=True)

    committed = [store.chunks]
    store._database.set_trace_callback(before)
    Campaign(store, PLAN, chunks * PLAN.chunk, workers, progress=told, ask=ask).run(executors)
"""


def started(path: Path, workers: int, inside: int = -1) -> subprocess.Popen[str]:
    """Start a campaign; `inside` the commit that follows so many, it is killed."""
    command = [sys.executable, "-c", CAMPAIGN, str(path), str(workers), str(CHUNKS), str(inside)]
    found = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    variables = {**os.environ, "PYTHONPATH": found}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=variables,
        start_new_session=True,
    )


def committed(path: Path) -> int:
    if not path.exists():
        return 0
    with Store(path) as store:
        return store.chunks


def exported(path: Path) -> bytes:
    with Store(path) as store:
        return json.dumps(results_of(store, PLAN, CHUNKS * PLAN.chunk)).encode()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "store.db"
    with started(path, 1) as process:
        assert process.stdout is not None
        assert process.stdout.read().split()[-1] == str(CHUNKS)
    return exported(path)


@pytest.mark.parametrize("workers", KILLS)
def test_nothing_that_was_committed_is_lost(workers: int, expected: bytes, tmp_path: Path) -> None:
    path, draw = tmp_path / "store.db", random.Random(workers)
    moments = sorted(draw.randrange(CHUNKS) for _ in range(KILLS[workers]))
    for k, moment in enumerate(moments):
        way = ("inside", "all", "a worker")[k % 3]
        kill_at(path, workers, moment, way)
    with started(path, workers) as process:
        assert process.stdout is not None
        process.stdout.read()
    assert process.returncode == 0
    assert exported(path) == expected


def kill_at(path: Path, workers: int, moment: int, way: str) -> None:
    """Run the campaign until so many chunks are committed; kill it, or a worker and it a little later."""
    before = committed(path)
    inside = max(moment, before)
    with started(path, workers, inside if way == "inside" else -1) as process:
        assert process.stdout is not None
        said = map(int, process.stdout)
        if way != "inside":
            next((chunks for chunks in said if chunks >= moment), None)
        if way == "a worker":
            for child in psutil.Process(process.pid).children()[:1]:
                child.kill()
            next((chunks for chunks in said if chunks >= moment + 10), None)  # it goes on with another
        if way != "inside":
            process.kill()
        process.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what a process leaves that is killed
    after = committed(path)
    assert process.returncode == -signal.SIGKILL or after == CHUNKS
    assert after >= max(moment, before)
    assert after == inside or way != "inside"
