"""The command line: ``nn-from-scratch COMMAND``; `command_line` has all of them."""

from __future__ import annotations

import argparse
import json
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console

from nn_from_scratch.distribution import install_command, version
from nn_from_scratch.statuses import (
    BAD_USAGE,
    INTERNAL_ERROR,
    INTERRUPTED,
    MEANINGS,
    NOTHING_CHECKED,
    RIGHT,
    WRONG,
)
from nn_from_scratch.verify.campaign.grades import GRADES
from nn_from_scratch.verify.campaign.verify import verify
from nn_from_scratch.verify.cli import (
    adapter,
    benchmark,
    campaign,
    check,
    compare,
    doctor,
    formats,
    graphs,
    learn,
    reading,
    vectors,
    watch,
)
from nn_from_scratch.verify.cli.arguments import Once, Parser, file_path, files_read, parsed
from nn_from_scratch.verify.cli.outputs import Outputs, UsageError
from nn_from_scratch.verify.cli.terminal import progress_bar, tell
from nn_from_scratch.verify.cli.verdicts import status_of_check, status_of_run
from nn_from_scratch.verify.engines.engine import EngineError
from nn_from_scratch.verify.engines.wire.isolated import isolated_if_possible
from nn_from_scratch.verify.functions.named.importing import TargetError
from nn_from_scratch.verify.power import detection_power
from nn_from_scratch.verify.results import tables
from nn_from_scratch.verify.results.comparison import show_comparison
from nn_from_scratch.verify.results.functions import show_functions
from nn_from_scratch.verify.results.junit import junit
from nn_from_scratch.verify.results.junit_functions import junit_of_functions
from nn_from_scratch.verify.results.summary import summary_of_engine, summary_of_functions
from nn_from_scratch.verify.store.plan import PlanError
from nn_from_scratch.verify.store.store import StoreError
from nn_from_scratch.verify.vectors import files

Run = Callable[[argparse.Namespace, Outputs], int]
"""Carries out a command; returns its exit status."""

_STATUSES = "exit status: " + "; ".join(f"{status} {meaning}" for status, meaning in MEANINGS.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    try:
        options = parsed(command_line(), arguments)
    except SystemExit as told:  # argparse's way, after a message
        return int(told.code or RIGHT)
    return _carry_out(options)


def _carry_out(options: argparse.Namespace) -> int:
    """Run a command; return its exit status, also where something ends it."""
    try:
        if getattr(options, "html", None):
            _pages()
        named = {**formats.paths(options), **options.paths(options)}
        with Outputs(named, files_read(options), getattr(options, "scripts", None)) as outputs:
            formats.append(options, outputs)
            status: int = options.run(options, outputs)
    except (UsageError, EngineError, TargetError, StoreError, PlanError) as error:
        return _told(f"error: {error}", BAD_USAGE)
    except KeyboardInterrupt:
        return _told("interrupted", INTERRUPTED)
    except SystemExit:
        return _told("interrupted: what is checked exits", INTERRUPTED)
    except BrokenProcessPool:
        return _told("error: a process that checks graphs died; --jobs 1 shows of what", WRONG)
    except Exception:  # noqa: BLE001  the last resort: anything here is a fault of the suite
        return _told(f"internal error\n{traceback.format_exc()}", INTERNAL_ERROR)
    return status or outputs.status


def _told(words: str, status: int) -> int:
    """Say why there is no verdict; return the status."""
    tell(words)
    return status


def command_line() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="nn-from-scratch", description="Prove that an engine's gradients are right.", epilog=_STATUSES
    )
    parser.set_defaults(paths=_no_more)
    told = f"nn-from-scratch {version() or '(not installed)'}"
    parser.add_argument("--version", action="version", version=told)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def add(name: str, run: Run, text: str, html: Path | None = None) -> Parser:
        command: Parser = commands.add_parser(name, help=text, description=text, epilog=_STATUSES)
        command.set_defaults(run=run)
        command.add_argument(
            "--json", type=file_path, action=Once, metavar="PATH", help="write the results as JSON"
        )
        where = f" (default: {html})" if html else ""
        command.add_argument(
            "--html", type=file_path, action=Once, metavar="PATH", default=html, help=f"write a report{where}"
        )
        return command

    command = add(
        "verify", _verify, "Check an engine's gradients on random graphs, its state and its limits."
    )
    graphs.add_arguments(command)
    command.add_argument(
        "--watch",
        action="store_true",
        help="check again, the last failure first, whenever a file of the engine's changes, until Ctrl-C; by "
        f"default {watch.GRAPHS} graphs and the grades {' and '.join(watch.GRADES)}",
    )
    formats.add_arguments(command)
    command = commands.add_parser("campaign", help=campaign.TEXT, description=campaign.TEXT)
    command.set_defaults(run=_campaign)
    command.add_argument(
        "--json", type=file_path, action=Once, metavar="PATH", help="write the results as JSON"
    )
    command.add_argument("--html", type=file_path, action=Once, metavar="PATH", help="write a report")
    campaign.add_arguments(command)
    command = add("check", _check, check.TEXT)
    check.add_arguments(command)
    formats.add_arguments(command)
    compare.add_arguments(add("compare", _compare, compare.TEXT))
    command = commands.add_parser("vectors", help=vectors.TEXT, description=vectors.TEXT, epilog=_STATUSES)
    command.set_defaults(run=_vectors, paths=_vector_files)
    vectors.add_arguments(command)
    command = commands.add_parser("adapter", help=adapter.TEXT, description=adapter.TEXT, epilog=_STATUSES)
    adapter.add_arguments(command)
    command.set_defaults(run=_adapter, paths=adapter.paths)
    command = commands.add_parser("learn", help=learn.TEXT, description=learn.TEXT, epilog=_STATUSES)
    learn.add_arguments(command)
    command.set_defaults(run=_learn, paths=learn.paths)
    text = "Train as the README does, and judge every iteration against certified losses."
    command = add("moons", _moons, text)
    command.add_argument("--animate", action="store_true", help="put an animation into the report")
    command.add_argument("--certify", action="store_true", help="certify the losses anew, in 1,024-bit balls")
    benchmark.add_arguments(add("benchmark", _benchmark, benchmark.TEXT))
    text = "Say what is installed, what is missing and what it would add; exit with 1 if something is wrong."
    command = commands.add_parser("doctor", help=text, description=text)
    doctor.add_arguments(command)
    command.set_defaults(run=_doctor)
    text = "Run all three and write one HTML page, or write the page of results that there are."
    command = add("report", _report, text, Path("reports/index.html"))
    reading.add_arguments(command)
    graphs.add_arguments(command)
    return parser


def _verify(options: argparse.Namespace, outputs: Outputs) -> int:
    if options.watch:
        asked = argparse.Namespace(**vars(options))
        asked.grade = options.grade or watch.GRADES
        asked.graphs = watch.GRAPHS if options.graphs is None else options.graphs
        watch.watch(asked, partial(_verified, asked, outputs), lambda: outputs.is_heard)
    return status_of_run(_verified(options, outputs), options.grade or ())


def _verified(options: argparse.Namespace, outputs: Outputs) -> dict[str, Any]:
    """Ask an engine, and tell what was found."""
    results = _run_verify(options, outputs)
    outputs.write("--json", lambda: _as_json(results))
    outputs.write("--junit", lambda: junit(results))
    outputs.write("--html", lambda: _pages().page(verify=results))
    summarized = partial(summary_of_engine, results)
    formats.write(outputs, summarized)

    def show(console: Console) -> None:
        with formats.annotated(options, summarized):
            tables.show_verify(console, results)

    outputs.show(show)
    return results


def _campaign(options: argparse.Namespace, outputs: Outputs) -> int:
    results, interrupted = campaign.asked(options, outputs.begin)
    outputs.write("--json", lambda: _as_json(results))
    outputs.write("--html", lambda: _pages().page_of_campaigns([results]))
    outputs.show(lambda console: campaign.show(console, results, options.store))
    return campaign.status(results, interrupted=interrupted)


def _check(options: argparse.Namespace, outputs: Outputs) -> int:
    targets = check.found(options)
    outputs.begin()
    with progress_bar() as progress:
        results = check.asked(options, targets, progress)
    outputs.write("--json", lambda: _as_json(results))
    outputs.write("--junit", lambda: junit_of_functions(results))
    outputs.write("--html", lambda: _pages().page_of_functions([results]))
    summarized = partial(summary_of_functions, results)
    formats.write(outputs, summarized)
    scripts = _scripts(options, outputs, results)

    def show(console: Console) -> None:
        with formats.annotated(options, summarized):
            show_functions(console, results)
            for script in scripts:
                print(f"script: {script}")

    outputs.show(show)
    return status_of_check(results)


def _scripts(options: argparse.Namespace, outputs: Outputs, results: dict[str, Any]) -> list[Path]:
    """Write a script for each failure, if that is asked for; return where they are."""
    folder: Path | None = options.scripts
    if folder is None:
        return []
    texts = check.scripts(folder, results)
    return [file for file, text in texts.items() if outputs.write_into(file, text)]


def _vectors(options: argparse.Namespace, outputs: Outputs) -> int:
    with progress_bar() as progress:
        found, header = files.collect(options.select, progress)
    contents = files.contents(options.output, found, header)
    written = []
    for file, content in contents:
        if not outputs.write(str(file), partial(bytes, content)):
            break  # the header, which comes last, describes all
        written.append(file)
    outputs.show(lambda console: vectors.show(console, header, written))
    return RIGHT if any(found.values()) else NOTHING_CHECKED


def _compare(options: argparse.Namespace, outputs: Outputs) -> int:
    specs = compare.found(options)
    outputs.begin()
    with progress_bar() as progress:
        for results in compare.asked(options, specs, progress):
            # Written after each engine, so that whatever happens to the next one keeps what there was.
            outputs.write("--json", partial(_as_json, results))
            outputs.write("--html", partial(_page_of_comparison, results))
    outputs.show(lambda console: show_comparison(console, results))
    return compare.status(results)


def _page_of_comparison(results: dict[str, Any]) -> str:
    return str(_pages().page_of_comparison(results))


def _moons(options: argparse.Namespace, outputs: Outputs) -> int:
    results = _run_moons(options)
    outputs.write("--json", lambda: _as_json(results))
    outputs.write("--html", lambda: _pages().page(moons=results))
    outputs.show(lambda console: tables.show_moons(console, results))
    return status_of_run(results)


def _benchmark(options: argparse.Namespace, outputs: Outputs) -> int:
    results = benchmark.asked(options)
    outputs.write("--json", lambda: _as_json(results))
    outputs.write("--html", lambda: _pages().page(benchmark=results))
    outputs.show(lambda console: tables.show_benchmark(console, results))
    return status_of_run(results)


def _report(options: argparse.Namespace, outputs: Outputs) -> int:
    if options.results:
        return reading.report(options, outputs, _pages())
    results: dict[str, dict[str, Any]] = {}
    parts: dict[str, tuple[Callable[[], dict[str, Any]], Callable[[Console, Any], None]]] = {
        "verify": (partial(_run_verify, options, outputs), tables.show_verify),
        "moons": (partial(_run_moons, options), tables.show_moons),
        "benchmark": (partial(benchmark.asked, options), tables.show_benchmark),
    }
    for name, (run, show) in parts.items():
        results[name] = run()
        # Written after each part, so that an interruption keeps what there was.
        outputs.write("--json", lambda: _as_json(results))
        outputs.write("--html", lambda: _pages().page(**results, power=detection_power()))
        outputs.show(partial(_show_part, show, results[name]))
        if results[name]["interrupted"]:
            break
    outputs.show(lambda _: print(f"The report is {options.html}"))
    statuses = [status_of_run(result) for result in results.values()]
    return next((status for status in (WRONG, INTERRUPTED, NOTHING_CHECKED) if status in statuses), RIGHT)


def _show_part(show: Callable[[Console, Any], None], results: dict[str, Any], console: Console) -> None:
    show(console, results)


def _no_more(_: argparse.Namespace) -> dict[str, Path]:
    """Return where a command writes beside its results: nowhere."""
    return {}


def _vector_files(options: argparse.Namespace) -> dict[str, Path]:
    return {str(file): file for file in files.paths(options.output)}


def _adapter(options: argparse.Namespace, outputs: Outputs) -> int:
    adapter.write(options, outputs)
    return RIGHT


def _learn(options: argparse.Namespace, outputs: Outputs) -> int:
    learn.write(options, outputs)
    return RIGHT


def _doctor(options: argparse.Namespace, outputs: Outputs) -> int:
    engine = doctor.tried(options.engine) if options.engine else None
    outputs.show(lambda console: doctor.show(console, engine))
    return WRONG if doctor.problems() or (engine and engine.problems) else RIGHT


def _pages() -> ModuleType:
    """Import what draws pages, which takes longer than many a run: only where there is to be one."""
    try:
        from nn_from_scratch.verify import report  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name}, which pages need, is not installed: {install_command('verify')}"
        ) from error
    return report


def _run_verify(options: argparse.Namespace, outputs: Outputs) -> dict[str, Any]:
    engine = isolated_if_possible(options.engine, in_process=options.in_process)
    outputs.begin()
    with progress_bar() as progress, closing(engine.driver):
        return verify(
            engine,
            graphs=graphs.GRAPHS if options.graphs is None else options.graphs,
            seed=options.seed,
            jobs=options.jobs,
            seconds=options.seconds,
            grades=options.grade or GRADES,
            progress=progress,
        )


def _run_moons(options: argparse.Namespace) -> dict[str, Any]:
    from nn_from_scratch.verify.training import moons  # noqa: PLC0415  scikit-learn is slow to import

    with progress_bar() as progress:
        animate, certify = getattr(options, "animate", True), getattr(options, "certify", False)
        return moons(progress=progress, animate=animate, certify=certify)


def _as_json(results: dict[str, Any]) -> str:
    return json.dumps(results, allow_nan=False, indent=1) + "\n"
