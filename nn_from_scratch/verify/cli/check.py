"""``nn-from-scratch check``: the gradient of one function, somebody's own."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import textwrap
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.cli.arguments import Once, path
from nn_from_scratch.verify.functions.named.asking import Found, ask, not_asked
from nn_from_scratch.verify.functions.named.finding import Asked, find
from nn_from_scratch.verify.functions.named.given import DTYPES, FILES
from nn_from_scratch.verify.functions.named.importing import TargetError
from nn_from_scratch.verify.functions.named.results import results_of
from nn_from_scratch.verify.functions.named.target import Door, Target

TEXT = "Check the gradient of a function: yours, in numpy, PyTorch or JAX."

EXAMPLES = """\
What NAME may be:
  a function of numpy's arrays, with its gradient beside it as NAME_gradient, NAME_grad, NAME_backward ...
  NAME_forward, which returns (output, saved), with NAME_backward(cotangent, saved); or a class with both
  a function that returns (value, gradient)
  a torch.autograd.Function, a torch.nn.Module or an operation of custom_op; a jax.custom_vjp;
  any function of tensors or JAX's arrays
  a function of nothing: it returns (function, gradient, inputs), or calls check_gradient, gradcheck or
  check_grads, as a test does
Without NAME, all that has a gradient in the file is checked.

The inputs are NAME_inputs, or inputs: an array, a tuple of arguments, a dict by parameter, or a function of
nothing that returns them.

"""

Progress = Callable[[int, int, str], None]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes beside --json and --html."""
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.description = f"{TEXT}\n\n{EXAMPLES.rstrip()}"
    command.epilog = textwrap.fill(command.epilog or "", 79)
    command.add_argument("target", metavar="FILE.py:NAME", help="what to check, or MODULE:NAME")
    command.add_argument("--gradient", metavar="NAME", help="its gradient, if it is called otherwise")
    command.add_argument(
        "--inputs",
        metavar="WHAT",
        help=f"a name in the file, a file {', '.join(FILES)}, or JSON: '[0.5, 2.0]'",
    )
    command.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="SIZES",
        help="draw an argument of this shape, such as 3,4; once for each argument",
    )
    command.add_argument(
        "--dtype", choices=DTYPES, default=DTYPES[0], help=f"what is drawn (default: {DTYPES[0]})"
    )
    command.add_argument(
        "--framework",
        choices=[door.value for door in Door],
        help="whose arrays the function takes (default: that of its inputs)",
    )
    command.add_argument(
        "--order",
        type=int,
        choices=(1, 2),
        default=1,
        help="2: the gradient's gradient as well, PyTorch and JAX",
    )
    command.add_argument("--seed", type=int, default=0, metavar="S", help="which directions (default: 0)")
    command.add_argument(
        "--scripts", type=path, action=Once, metavar="DIR", help="write a script for each failure"
    )


def found(options: argparse.Namespace) -> list[Target]:
    """Find what was named.

    Raises
    ------
    TargetError
        If there is no such thing, or something that it needs is missing.

    """
    asked = Asked(
        gradient=options.gradient,
        inputs=options.inputs,
        shapes=options.shape,
        dtype=options.dtype,
        door=Door(options.framework) if options.framework else None,
        seed=options.seed,
        order=options.order,
    )
    with _quietly():
        return find(options.target, asked)


def asked(options: argparse.Namespace, targets: Sequence[Target], progress: Progress) -> dict[str, Any]:
    """Ask what was found, and return the results.

    Raises
    ------
    TargetError
        If the only function cannot be called with its inputs: of several the others are asked.

    """
    answers: list[Found] = []
    interrupted = False
    again = repr(_command(options, absolute=True))
    with _quietly():
        try:
            for done, target in enumerate(targets):
                progress(done, len(targets), f"asking {target.name}")
                answers.append(_answer(target, options.seed, again, alone=len(targets) == 1))
        except KeyboardInterrupt:
            interrupted = True
    return results_of(
        answers,
        spec=options.target,
        command=_command(options),
        seed=options.seed,
        environment=environment(),
        interrupted=interrupted,
    )


def _answer(target: Target, seed: int, again: str, *, alone: bool) -> Found:
    try:
        return ask(target, seed=seed, again=again)
    except TargetError as error:
        if alone:
            raise
        return not_asked(target, str(error))


def scripts(folder: Path, results: dict[str, Any]) -> dict[Path, str]:
    """Return the scripts, one a failure, by where they are to be in a folder."""
    found: dict[Path, str] = {}
    for function in results["functions"]:
        for failure in function["failures"]:
            if failure["script"] and failure["script"] not in found.values():
                found[_free(folder, f"{function['name']}-{failure['row']}", found)] = failure["script"]
    return found


def _free(folder: Path, name: str, taken: Collection[Path]) -> Path:
    """Return a path for a name that was not written yet; one of an earlier run is written anew."""
    plain = re.sub(r"\W+", "_", name).strip("_")
    candidates = [folder / f"{plain}.py", *(folder / f"{plain}_{k}.py" for k in range(2, len(taken) + 2))]
    return next(path for path in candidates if path not in taken)


def _command(options: argparse.Namespace, *, absolute: bool = False) -> list[str]:
    """Return the arguments that ask the same again, from any folder if they are `absolute`."""
    target, inputs = options.target, options.inputs
    if absolute:
        location, colon, name = target.rpartition(":") if ":" in target else (target, "", "")
        target = f"{_from_anywhere(location, '.py')}{colon}{name}"
        inputs = _from_anywhere(inputs, *FILES) if inputs is not None else None
    words = ["check", target]
    given = {"gradient": options.gradient, "inputs": inputs, "framework": options.framework}
    words += [f"--{option}={value}" for option, value in given.items() if value is not None]
    words += [f"--shape={shape}" for shape in options.shape]
    words += [f"--dtype={options.dtype}"] if options.shape else []
    words += [f"--order={options.order}"] if options.order > 1 else []
    return [*words, f"--seed={options.seed}"]


def _from_anywhere(path: str, *endings: str) -> str:
    return str(Path(path).resolve()) if path.endswith(endings) else path


@contextmanager
def _quietly() -> Iterator[None]:
    """Let nothing be heard of a function that prints, or warns of numbers, at each of many calls."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
