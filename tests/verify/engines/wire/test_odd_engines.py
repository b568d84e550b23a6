"""Engines that use threads, clocks, signals and numbers of their own: what is right stays right.

Those of `test_hostile_engines.py` harm themselves; most of these do what an honest author may do.
"""

from pathlib import Path

import pytest
from hostile_engines import heard

from nn_from_scratch.verify import Verdict
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not CAN_ISOLATE, reason="no processes of POSIX"),
]

ENGINES = """\
import asyncio, atexit, builtins, gc, itertools, os, signal, subprocess, sys, threading, time
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.errors import NotSpelledError
from nn_from_scratch.verify.power.right_engines.tape import Way

ticks = itertools.count()


def clock(read):
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(time, name, read)


def raises(*_):
    raise ValueError("from somewhere else")


def in_a_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


async def soon(work):
    await asyncio.sleep(0)
    work()


def beside_a_child(work):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    work()


class Liar(float):
    def hex(self):
        return "0x1p+0"

    def __repr__(self):
        return "1.0"

    __eq__ = lambda *_: True
    __hash__ = float.__hash__


class Lying(np.ndarray):
    astype = ravel = tolist = lambda *_: 1.0


class Shy:
    def __array__(self, *_, **__):
        raise RuntimeError("no array here")

    def __repr__(self):
        raise RuntimeError("nor a text")


def folders_in_folders():
    for _ in range(1200 if not os.path.exists("deeper") else 0):
        os.mkdir("deeper")
        os.chdir("deeper")


def read_all():
    for number in range(3, 64):
        try:
            os.set_blocking(number, False)
            os.read(number, 1 << 20)
        except OSError:
            pass


AT_FIRST = [
    lambda: os.fork(),
    lambda: atexit.register(os._exit, 3),
    lambda: sys.settrace(lambda *_: None),
    lambda: gc.set_threshold(50),
    lambda: gc.set_debug(gc.DEBUG_SAVEALL),
    lambda: gc.callbacks.append(raises),
    lambda: clock(lambda: float("nan")),
    lambda: vars(sys).update(unraisablehook=None, displayhook=None),
    lambda: vars(os).update(write=raises, _exit=raises, getpid=raises),
    lambda: os.umask(0o777),
]
HARMLESS = [
    lambda: clock(lambda: 0.0),
    lambda: clock(lambda: 1e9 - next(ticks)),
    lambda: subprocess.run(["true"], check=True),
    folders_in_folders,
    sys.modules.clear,
]
AROUND = [in_a_thread, lambda work: asyncio.run(soon(work)), beside_a_child]
NUMBERS = [Fraction, Decimal, np.longdouble, Liar, lambda x: np.array(x).view(Lying)]
RAISING = [
    lambda: input("?"),
    breakpoint,
    lambda: (_ for _ in ()).throw(NotAskedError("given up")),
    lambda: (_ for _ in ()).throw(NotSpelledError("not here")),
]
NO_NUMBERS = [
    lambda x: [x, [x, x]],
    lambda x: Shy(),
    lambda x: 10**400,
    lambda x: 10**10_000,
    lambda x: np.zeros(10**6),
    lambda x: (one for one in [x]),
]
DEADLY = {
    "has an alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 1e-5),
    "exits from a thread": lambda: in_a_thread(lambda: os._exit(5)),
    "reads what it is asked": read_all,
}


def by_turns(choices):
    # one choice after the other, each third time that it is asked, and None in between
    for turn in itertools.count(1):
        yield None if turn % 3 else choices[turn // 3 % len(choices)]


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    deed, base = name.replace("_", " "), Way().engine("odd")
    few = {operation: base.operations[operation] for operation in ("add", "mul", "div", "exp", "sin", "tanh")}
    is_harmless = deed == "harmless"
    for begin in AT_FIRST if is_harmless else ():
        begin()
    deeds = by_turns(HARMLESS if is_harmless else RAISING if deed == "raising" else [DEADLY.get(deed)])
    around = by_turns(AROUND if is_harmless else [None])
    answers = by_turns(NUMBERS if is_harmless else NO_NUMBERS if deed == "no numbers" else [None])

    def backward(output):
        (next(deeds) or int)()
        (next(around) or (lambda work: work()))(lambda: base.driver.backward(output))

    def gradient(leaf):
        return (next(answers) or float)(base.driver.gradient(leaf))

    driver = replace(base.driver, backward=backward, gradient=gradient)
    return replace(base, operations=few, explicit=frozenset(few), complete=False, driver=driver)
"""

RAISED = ("EOFError", "BdbQuit", "NotAskedError: given up", "NotSpelledError: not here")
NO_NUMBERS = (
    "is no number: [",
    "is no number: (a Shy whose text raises RuntimeError)",
    "is no number: 1000",
    "is no number: (a int whose text raises ValueError)",
    "an array of shape (1000000,), too large to be told",
    "is no number: <generator object",
)
ENDS = {"has an alarm": "Crashed", "exits from a thread": "Exited"}
"""How a process ends."""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("odd") / "odd.py"
    path.write_text(ENGINES)
    return path


def test_what_does_no_harm_is_right(odd: Path) -> None:
    found = heard(odd, "harmless")
    assert found.verdicts <= {Verdict.RIGHT, Verdict.UNDECIDED}, found
    assert Verdict.RIGHT in found.verdicts
    assert not found.deaths


@pytest.mark.parametrize(("deed", "told"), [("raising", RAISED), ("no numbers", NO_NUMBERS)])
def test_what_is_no_gradient_is_told_and_nothing_dies_of_it(
    deed: str, told: tuple[str, ...], odd: Path
) -> None:
    found = heard(odd, deed)
    assert found.verdicts == {Verdict.RIGHT, Verdict.ERROR}
    assert [words for words in told if words not in found.errors] == []
    assert not found.deaths


@pytest.mark.parametrize("deed", sorted(ENDS))
def test_a_process_that_ends_is_told(deed: str, odd: Path) -> None:
    assert ENDS[deed] in heard(odd, deed).deaths


def test_an_engine_that_reads_what_it_is_asked_dies_or_took_nothing(odd: Path) -> None:
    found = heard(odd, "reads what it is asked")  # which may not have been written yet
    assert found.deaths or found.verdicts == {Verdict.RIGHT}
    assert Verdict.WRONG not in found.verdicts
