"""Workers that are forked, once one has died: as those that are started afresh, and nothing outlives them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from nn_from_scratch.verify import Engine, isolated
from nn_from_scratch.verify.engines.deaths import KilledError
from nn_from_scratch.verify.engines.wire.connection import Connection
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.engines.wire.starting import CAN_FORK
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single

pytestmark = [pytest.mark.once, pytest.mark.skipif(not CAN_FORK, reason="numpy may not be forked here")]

FACTS = """\
import json, os, random, signal, sys
from dataclasses import replace

import numpy as np
from nn_from_scratch.verify.power.right_engines.tape import Way

try:
    os.kill(os.getppid() or 10**7, 0)
    reached = True
except ProcessLookupError:
    reached = False
facts = {
    "input": os.read(0, 1).decode(),
    "printed": os.path.samestat(os.fstat(1), os.fstat(2)),
    "folder": os.getcwd() == os.environ["NN_FROM_SCRATCH_ENGINE"],
    "arguments": len(sys.argv),
    "parent in reach": reached,
    "child signal": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
    "descriptors": len(os.listdir("/proc/self/fd")),
    "hash": hash("seed"),
}
own = {"pid": os.getpid(), "home": os.getcwd(), "drawn": [random.random(), float(np.random.random())]}
engine = replace(Way().engine("base"), name=json.dumps([facts, own]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "facts.py"
    path.write_text(FACTS)
    return path


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    found = isolated(path)
    yield found
    found.driver.close()


def connection_of(engine: Engine) -> Connection:
    assert isinstance(engine.driver, Remote)
    return engine.driver.asker._connection


def test_a_forked_worker_is_as_one_that_is_started_afresh(engine: Engine) -> None:
    connection = connection_of(engine)
    told: list[list[dict[str, Any]]] = [json.loads(connection.hello.name)]
    for _ in range(2):
        connection.end()
        process, hello = connection._start_again()
        assert connection._server is not None
        assert psutil.Process(process.pid).ppid() == connection._server.pid
        assert os.getsid(process.pid) == process.pid
        told.append(json.loads(hello.name))
    (spawned, _), (forked, first), (again, second) = told
    assert spawned == forked == again
    assert first["home"] != second["home"]
    assert not set(first["drawn"]) & set(second["drawn"])


def test_a_worker_goes_with_its_server_and_the_next_is_started_afresh(engine: Engine) -> None:
    connection = connection_of(engine)
    connection.end()
    process = connection.begin()
    assert connection._server is not None
    os.kill(connection._server.pid, signal.SIGKILL)
    with pytest.raises(KilledError):
        process.next_line(10.0)
    connection.end()
    assert psutil.Process(connection.begin().pid).ppid() == os.getpid()
    assert not examine(engine, single("tanh", "x", [0.5])).verdict.accuses


def test_nothing_is_left_when_it_is_closed(engine: Engine) -> None:
    connection = connection_of(engine)
    connection.end()
    process = connection.begin()
    assert connection._server is not None
    of_them = [psutil.Process(connection._server.pid), *psutil.Process(process.pid).children(recursive=True)]
    folder = process.directory
    engine.driver.close()
    _, alive = psutil.wait_procs(of_them, timeout=10)
    assert not alive
    assert not folder.exists()


LOST = """\
import os, signal, sys
from nn_from_scratch.verify import isolated

connection = isolated(sys.argv[1]).driver.asker._connection
connection.end()
process = connection.begin()
print(connection._server.pid, process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_outlives_who_asks(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOST, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    end = time.monotonic() + 10
    while any(map(psutil.pid_exists, map(int, done.stdout.split()))):
        assert time.monotonic() < end
        time.sleep(0.02)
