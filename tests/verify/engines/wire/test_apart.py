"""A worker cannot reach who asks it, where the system allows that, and ends with all that it started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nn_from_scratch.verify.engines.wire import apart

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces"),
]

KILLER = """
import os, signal
from dataclasses import replace
from nn_from_scratch.verify.power.right_engines.tape import Way

base, passes = Way().engine("killer"), 0


def parents():
    yield os.getppid()
    for path in ("/proc/self/stat", f"/proc/{os.getppid()}/stat"):
        if os.path.exists(path):
            with open(path) as stat:
                yield int(stat.read().rpartition(")")[2].split()[1])


def backward(output):
    global passes
    passes += 1
    if passes == 9:
        for parent in parents():
            os.kill(parent, signal.SIGKILL)
    base.driver.backward(output)


engine = replace(base, complete=False, driver=replace(base.driver, backward=backward))
"""


def ran(code: str) -> subprocess.CompletedProcess[str]:
    """Run code behind the start of a worker, but for the imports of numpy."""
    start = "import os, signal, sys\nfrom nn_from_scratch.verify.engines.wire import apart\n"
    command = [sys.executable, "-c", start + code]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, start_new_session=True
    )


def is_allowed() -> bool:
    return ran("sys.exit(not apart._enter_namespace())").returncode == 0


ALLOWED = pytest.mark.skipif(not is_allowed(), reason="this system allows no process namespaces")


CHECK = """
import sys
from nn_from_scratch.verify import isolated, verify
from nn_from_scratch.verify.engines.wire.limits import Limits

engine = isolated(sys.argv[1], limits=Limits(deaths=1, in_a_row=1))
results = verify(engine, graphs=12, directly=False, grades=("rules",), jobs=1)
engine.driver.close()
print(results["verdict"], *sorted({death["outcome"] for death in results["deaths"]}))
sys.exit(0 if results else 5)
"""


def test_an_engine_that_kills_its_parent_is_never_right(tmp_path: Path) -> None:
    path = tmp_path / "killer.py"
    path.write_text(KILLER, encoding="utf-8")
    command = [sys.executable, "-c", CHECK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
    assert done.returncode == (5 if is_allowed() else -signal.SIGKILL), done.stderr
    assert not is_allowed() or done.stdout == "not settled Killed\n"


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("os._exit(0)", 0),
        ("os._exit(7)", 7),
        ("os.abort()", -signal.SIGABRT),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV),
    ],
)
def test_it_ends_as_the_worker_does(end: str, status: int) -> None:
    assert ran(f"apart.live_apart(())\n{end}").returncode == status


@ALLOWED
def test_who_asks_has_no_number_there() -> None:
    code = f"apart.live_apart(())\nprint(os.getppid(), os.getpid() < 9)\nos.kill({os.getpid()}, 0)"
    done = ran(code)
    assert done.stdout.split() == ["0", "True"]
    assert "ProcessLookupError" in done.stderr


@ALLOWED
def test_what_has_left_the_session_ends_as_well() -> None:
    """A child without a session, an environment and a parent holds the pipe that is read until its end."""
    code = (
        "apart.live_apart(())\nimport time\n"
        "if os.fork() == 0:\n    os.setsid()\n    os.environ.clear()\n"
        "    if os.fork() == 0:\n        print('there', flush=True)\n        time.sleep(600)\n"
        "    os._exit(0)\n"
        "time.sleep(0.3)\nos._exit(3)"
    )
    done = ran(code)
    assert (done.returncode, done.stdout) == (3, "there\n")


def test_where_it_is_not_allowed_the_worker_lives_here() -> None:
    code = "here = os.getpid()\napart._system = lambda *_: False\napart.live_apart(())\n"
    assert ran(code + "print(here == os.getpid())").stdout == "True\n"


@pytest.mark.filterwarnings("ignore:os.fork")  # of which JAX warns, once it is imported
def test_what_works_by_half_is_left_alone() -> None:
    assert apart._works_in_a_child(lambda: True)
    assert not apart._works_in_a_child(lambda: False)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another user")
@ALLOWED
def test_another_user_stays_who_he_is() -> None:
    """Root needs no user namespace; whoever needs one is the same user in it."""
    code = (
        "import ctypes, resource\nos.setgid(65534)\nos.setuid(65534)\n"
        "ctypes.CDLL(None).prctl(4, 1)\napart.live_apart(())\n"  # as of a process that began as this user
    )
    said = ran(code + "print(os.getuid(), os.getgid(), os.getppid())").stdout.split()
    assert said == ["65534", "65534", "0"]
