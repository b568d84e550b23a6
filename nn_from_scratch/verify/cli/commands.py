"""The command line: ``nn-from-scratch COMMAND``; `_parser` has all of them."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nn_from_scratch.distribution import install_command
from nn_from_scratch.statuses import (
    BAD_USAGE,
    INTERNAL_ERROR,
    INTERRUPTED,
    NOTHING_CHECKED,
    RIGHT,
    WRONG,
)
from nn_from_scratch.verify.campaign.grades import GRADES
from nn_from_scratch.verify.campaign.verify import verify
from nn_from_scratch.verify.cli import adapter, check, compare, doctor, learn, vectors
from nn_from_scratch.verify.cli.numbers import at_least, seconds
from nn_from_scratch.verify.engines.engine import EngineError
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.engines.specs import known
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE, isolated
from nn_from_scratch.verify.functions.named.importing import TargetError
from nn_from_scratch.verify.power import detection_power
from nn_from_scratch.verify.results import tables
from nn_from_scratch.verify.results.comparison import show_comparison
from nn_from_scratch.verify.results.functions import show_functions
from nn_from_scratch.verify.results.junit import junit
from nn_from_scratch.verify.results.junit_functions import junit_of_functions
from nn_from_scratch.verify.vectors import files

_STATUSES = (
    "exit status: 0 all right; 1 a gradient is wrong or not settled, a curve differs, or what is checked "
    "ended its process; 2 interrupted; 3 internal error; 4 bad usage, or an engine or function that cannot "
    "be loaded; 5 nothing could be checked or decided, or not what was asked for"
)


class UsageError(Exception):
    """The command cannot be carried out as given."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(BAD_USAGE, f"{self.prog}: error: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as told:  # argparse's way, after a message
        return int(told.code or RIGHT)
    return _carry_out(options)


def _carry_out(options: argparse.Namespace) -> int:
    """Run a command; return its exit status, also where something ends it."""
    try:
        for path in (getattr(options, name, None) for name in ("json", "html", "junit")):
            _prepare(path)  # a path that cannot be written is told before the long work, not after
        if getattr(options, "html", None):
            _pages()
        return int(options.run(options))
    except (UsageError, EngineError, TargetError) as error:
        return _told(f"error: {error}", BAD_USAGE)
    except KeyboardInterrupt:
        return _told("interrupted", INTERRUPTED)
    except SystemExit:  # by rich, after results are written, or by what is checked
        return _told("interrupted: nobody reads what is printed, or what is checked exits", INTERRUPTED)
    except BrokenProcessPool:
        return _told("error: a process that checks graphs died; --jobs 1 shows of what", WRONG)
    except Exception:  # noqa: BLE001  the last resort: anything here is a fault of the suite
        return _told(f"internal error\n{traceback.format_exc()}", INTERNAL_ERROR)


def _told(words: str, status: int) -> int:
    """Say why there is no verdict; return the status."""
    sys.stderr.write(f"nn-from-scratch: {words.rstrip()}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nn-from-scratch", description="Prove that an engine's gradients are right.", epilog=_STATUSES
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def add(
        name: str, run: Callable[[argparse.Namespace], int], text: str, html: Path | None = None
    ) -> _Parser:
        command: _Parser = commands.add_parser(name, help=text, description=text, epilog=_STATUSES)
        command.set_defaults(run=run)
        command.add_argument("--json", type=Path, metavar="PATH", help="write the results as JSON")
        where = f" (default: {html})" if html else ""
        command.add_argument("--html", type=Path, metavar="PATH", default=html, help=f"write a report{where}")
        return command

    def add_graphs(command: _Parser) -> None:
        command.add_argument(
            "--engine",
            default="nn_from_scratch",
            metavar="SPEC",
            help=f"{', '.join(known()).replace('%', '%%')}, module:attribute, path.py:attribute, or "
            "'command:PROGRAM', which speaks the protocol (default: nn_from_scratch)",
        )
        command.add_argument(
            "--in-process",
            action="store_true",
            help="ask the engine in the process that judges it, where it can end the run: somewhat faster",
        )
        command.add_argument(
            "--graphs",
            type=at_least(0),
            default=2000,
            metavar="N",
            help="how many random graphs (default: 2000)",
        )
        command.add_argument("--seed", type=int, default=0, metavar="S", help="which graphs (default: 0)")
        command.add_argument(
            "--jobs", type=at_least(1), metavar="N", help="how many processes (default: as many as pay)"
        )
        command.add_argument(
            "--seconds",
            type=seconds,
            default=60.0,
            metavar="T",
            help="how long the engine may take to answer, a last resort (default: 60)",
        )
        command.add_argument(
            "--grade",
            action="append",
            choices=GRADES,
            help="what the verdict depends on; may be repeated (default: all). State and limits that are not "
            "asked for get their quick checks only, no long chains and other processes",
        )

    command = add(
        "verify", _verify, "Check an engine's gradients on random graphs, its state and its limits."
    )
    add_graphs(command)
    command.add_argument("--junit", type=Path, metavar="PATH", help="write the results as JUnit XML")
    command = add("check", _check, check.TEXT)
    check.add_arguments(command)
    compare.add_arguments(add("compare", _compare, compare.TEXT))
    command = commands.add_parser("vectors", help=vectors.TEXT, description=vectors.TEXT, epilog=_STATUSES)
    command.set_defaults(run=_vectors)
    vectors.add_arguments(command)
    command = commands.add_parser("adapter", help=adapter.TEXT, description=adapter.TEXT, epilog=_STATUSES)
    adapter.add_arguments(command)
    command.set_defaults(run=_adapter)
    command = commands.add_parser("learn", help=learn.TEXT, description=learn.TEXT, epilog=_STATUSES)
    learn.add_arguments(command)
    command.set_defaults(run=_learn)
    text = "Train as the README does, and judge every iteration against certified losses."
    command = add("moons", _moons, text)
    command.add_argument("--animate", action="store_true", help="put an animation into the report")
    command.add_argument("--certify", action="store_true", help="certify the losses anew, in 1,024-bit balls")
    add("benchmark", _benchmark, "Measure speed beside PyTorch and hand-written numpy.")
    text = "Say what is installed, what is missing and what it would add; exit with 1 if something is wrong."
    command = commands.add_parser("doctor", help=text, description=text)
    command.set_defaults(run=_doctor)
    add_graphs(add("report", _report, "Run all three and write one HTML page.", Path("reports/index.html")))
    return parser


def _verify(options: argparse.Namespace) -> int:
    results = _run_verify(options)
    _write(options.json, _as_json(results))
    _write(options.junit, junit(results))
    if options.html:
        _write(options.html, _pages().page(verify=results))
    tables.show_verify(Console(), results)
    return _status(results, options.grade or ())


def _check(options: argparse.Namespace) -> int:
    _prepare_folder(options.scripts)
    targets = check.found(options)
    _remove(options.json, options.html, options.junit)
    with _progress() as progress:
        results = check.asked(options, targets, progress)
    _write(options.json, _as_json(results))
    _write(options.junit, junit_of_functions(results))
    if options.html:
        _write(options.html, _pages().page_of_functions(results))
    scripts = check.write_scripts(options.scripts, results) if options.scripts else []
    show_functions(Console(), results)
    for path in scripts:
        print(f"script: {path}")
    statuses = {"wrong": WRONG, "right": INTERRUPTED if results["interrupted"] else RIGHT}
    return statuses.get(results["verdict"], INTERRUPTED if results["interrupted"] else NOTHING_CHECKED)


def _vectors(options: argparse.Namespace) -> int:
    one_file = files.is_one_file(options.output)
    _prepare(options.output) if one_file else _prepare_folder(options.output)
    with _progress() as progress:
        found, header = files.collect(options.select, progress)
    vectors.show(Console(), header, files.write(options.output, found, header))
    return RIGHT if any(found.values()) else NOTHING_CHECKED


def _compare(options: argparse.Namespace) -> int:
    specs = compare.found(options)
    _remove(options.json, options.html)
    with _progress() as progress:
        for results in compare.asked(options, specs, progress):
            # Written after each engine, so that whatever happens to the next one keeps what there was.
            _write(options.json, _as_json(results))
            if options.html:
                _write(options.html, _pages().page_of_comparison(results))
    show_comparison(Console(), results)
    return compare.status(results)


def _moons(options: argparse.Namespace) -> int:
    results = _run_moons(options)
    _write(options.json, _as_json(results))
    if options.html:
        _write(options.html, _pages().page(moons=results))
    tables.show_moons(Console(), results)
    return _status(results)


def _benchmark(options: argparse.Namespace) -> int:
    results = _run_benchmark()
    _write(options.json, _as_json(results))
    if options.html:
        _write(options.html, _pages().page(benchmark=results))
    tables.show_benchmark(Console(), results)
    return _status(results)


def _report(options: argparse.Namespace) -> int:
    results: dict[str, dict[str, Any]] = {}
    parts: dict[str, tuple[Callable[[], dict[str, Any]], Callable[[Console, Any], None]]] = {
        "verify": (partial(_run_verify, options), tables.show_verify),
        "moons": (partial(_run_moons, options), tables.show_moons),
        "benchmark": (_run_benchmark, tables.show_benchmark),
    }
    for name, (run, show) in parts.items():
        results[name] = run()
        # Written after each part, so that an interruption keeps what there was.
        _write(options.json, _as_json(results))
        _write(options.html, _pages().page(**results, power=detection_power()))
        show(Console(), results[name])
        if results[name]["interrupted"]:
            break
    print(f"The report is {options.html}")
    statuses = [_status(result) for result in results.values()]
    return next((status for status in (WRONG, INTERRUPTED, NOTHING_CHECKED) if status in statuses), RIGHT)


def _adapter(options: argparse.Namespace) -> int:
    adapter.write(options)
    return RIGHT


def _learn(options: argparse.Namespace) -> int:
    try:
        learn.write_and_tell(options.folder)
    except OSError as error:
        raise UsageError(str(error)) from error
    return RIGHT


def _doctor(_: argparse.Namespace) -> int:
    return WRONG if doctor.show(Console()) else RIGHT


def _pages() -> ModuleType:
    """Import what draws pages, which takes longer than many a run: only where there is to be one."""
    try:
        from nn_from_scratch.verify import report  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name}, which pages need, is not installed: {install_command('verify')}"
        ) from error
    return report


def _run_verify(options: argparse.Namespace) -> dict[str, Any]:
    engine = load(options.engine) if options.in_process or not CAN_ISOLATE else isolated(options.engine)
    _remove(options.json, options.html, getattr(options, "junit", None))
    with _progress() as progress, closing(engine.driver):
        return verify(
            engine,
            graphs=options.graphs,
            seed=options.seed,
            jobs=options.jobs,
            seconds=options.seconds,
            grades=options.grade or GRADES,
            progress=progress,
        )


def _run_moons(options: argparse.Namespace) -> dict[str, Any]:
    from nn_from_scratch.verify.training import moons  # noqa: PLC0415  scikit-learn is slow to import

    with _progress() as progress:
        animate, certify = getattr(options, "animate", True), getattr(options, "certify", False)
        return moons(progress=progress, animate=animate, certify=certify)


def _run_benchmark() -> dict[str, Any]:
    from nn_from_scratch.verify.benchmark import benchmark  # noqa: PLC0415  PyTorch is slow to import

    with _progress() as progress:
        return benchmark(progress=progress)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """Show a progress bar on standard error, moved by the function that is yielded."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, total, words: bar.update(task, completed=done, total=total, description=words)


def _status(results: dict[str, Any], asked: Collection[str] = ()) -> int:
    """Return the exit status; grades that were asked for by name have to be checked."""
    if results["verdict"] == "wrong":
        return WRONG
    if results["interrupted"]:
        return INTERRUPTED
    if results["verdict"] == "not settled":
        return WRONG
    unchecked = any(results["grades"][grade] == "not checked" for grade in asked)
    return NOTHING_CHECKED if results["verdict"] == "nothing checked" or unchecked else RIGHT


def _as_json(results: dict[str, Any]) -> str:
    return json.dumps(results, allow_nan=False, indent=1) + "\n"


def _prepare(path: Path | None) -> None:
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        with path.open("a", encoding="utf-8"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _remove(*paths: Path | None) -> None:
    """Remove the results of an earlier run: if this one dies, they are not taken for its own.

    What is no file of its own, such as ``/dev/stdout``, stays.
    """
    for path in paths:
        if path is not None and path.is_file() and not path.is_symlink():
            path.unlink()


def _prepare_folder(path: Path | None) -> None:
    if path is not None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write into {path}: {error.strerror}") from error


def _write(path: Path | None, text: str) -> None:
    if path is not None:
        path.write_text(text, encoding="utf-8")
