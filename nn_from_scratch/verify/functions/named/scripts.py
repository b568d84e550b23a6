"""A script for what fails: the user's own function, its inputs as literals, and what it should have been.

It prints what it got beside the truth, and exits with 1; once the gradient is mended, with 0. Where single
numbers do not show a failure, the script asks this suite again.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nn_from_scratch.verify.functions.inputs import Arguments
from nn_from_scratch.verify.functions.named.entries import Entry
from nn_from_scratch.verify.functions.named.literals import literal
from nn_from_scratch.verify.functions.named.numeric import Numeric
from nn_from_scratch.verify.functions.named.target import Code, Door, Target
from nn_from_scratch.verify.functions.rows import Row

_MOST = 8  # entries that a script looks at
_OF_NUMBERS = ("rules", "numbers", "values", "accuracy", "gradient", "reverse mode")
"""How the rows begin that single numbers may show."""
_STANDARD = ("import base64", "import runpy", "import sys")
_IMPORTS = {
    Door.NUMPY: ("import numpy as np",),
    Door.PYTORCH: ("import numpy as np", "import torch"),
    Door.JAX: ("import jax", "import jax.numpy as jnp", "import numpy as np"),
}


@dataclass(frozen=True, slots=True)
class Script:
    """What a script is made of: see `asking.ask`."""

    target: Target
    numeric: Numeric | None
    entries: tuple[Entry, ...]
    seed: int
    again: str


def script_of(script: Script, row: Row) -> str:
    """Return a script that fails by itself because of a row, or nothing where none is known."""
    for text in _candidates(script, row):
        if fails(text):
            return text
    return _asking_again(script, row)


def fails(text: str) -> bool:
    """Run a script here, and tell whether it ends as one that shows a failure does."""
    before, arguments = list(sys.path), sys.argv
    try:
        sys.argv = ["script.py"]
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(text, "script.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    except SystemExit as ended:
        return ended.code == 1
    except AssertionError:  # this suite's own word for a wrong gradient
        return True
    except Exception:  # noqa: BLE001  it does not even run
        return False
    finally:
        sys.path[:], sys.argv = before, arguments
    return False


def _candidates(script: Script, row: Row) -> Iterator[str]:
    """Yield scripts, from the plainest on."""
    code = script.target.code
    arguments = None if code is None else _arguments(script.target, script.numeric)
    if code is None or arguments is None:
        return
    plain = _by_entries(script, code, arguments) if row.name.startswith(_OF_NUMBERS) else []
    bodies = {
        _about_entries(script): plain,
        f"{script.target.name}: {row}": _by_the_suite(script, row, code, arguments),
    }
    for told, body in bodies.items():
        if body:
            lines = [*arguments.lines, "", *body]
            yield _joined(_comment(told), script.target.door, code.imports, lines)


def _about_entries(script: Script) -> str:
    """Say what a script shows that compares entries: the same for every row that they are wrong for."""
    first, *others = [x.name for x in script.entries if x.verdict.accuses] or [""]
    more = f" and {len(others)} more" if others else ""
    return f"The gradient of {script.target.name} is wrong: the derivative for {first}{more}."


def _asking_again(script: Script, row: Row) -> str:
    """Return the command as a script. It is not run here: it would ask for scripts again."""
    if not script.again:
        return ""
    lines = [
        "import sys",
        "",
        "from nn_from_scratch.__main__ import main",
        "",
        'if __name__ == "__main__":  # it starts a process of its own',
        f"    sys.argv[1:] = {script.again}",
        "    sys.exit(main())",
    ]
    return "\n".join([_comment(f"{script.target.name}: {row}"), "", *lines, ""])


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The lines that set the arguments, and their names in a call; as text, and for the suite's checks."""

    lines: list[str]
    call: str
    inputs: str


def _arguments(target: Target, numeric: Numeric | None) -> _Arguments | None:
    """Write the arguments as literals; None where one cannot be written."""
    inputs = target.inputs
    if target.door is Door.NUMPY:
        arguments = Arguments(target.function, inputs)
        trees, keywords = arguments.trees, arguments.keywords
    else:
        trees, keywords = list(_converted(target)), ()
    single = target.door is Door.NUMPY and len(trees) == 1
    names = list(keywords) if keywords else ["x"] if single else [f"x{k}" for k in range(len(trees))]
    texts = [literal(tree) for tree in trees]
    if numeric is None or any(text is None for text in texts):
        return None
    lines = [f"{name} = {text}" for name, text in zip(names, texts, strict=True)]
    if keywords:
        call = ", ".join(f"{name}={name}" for name in names)
        return _Arguments(lines, call, f"dict({call})")
    call = ", ".join(names)
    return _Arguments(lines, call, f"({call},)")


def _converted(target: Target) -> Sequence[object]:
    if target.door is Door.PYTORCH:
        from nn_from_scratch.verify.functions.named.in_pytorch import tensors  # noqa: PLC0415  slow to import

        converted: Sequence[object] = tensors(target.inputs)
    else:
        from nn_from_scratch.verify.functions.named.in_jax import arrays  # noqa: PLC0415  likewise

        converted = arrays(target.inputs)
    return converted


def _by_entries(script: Script, code: Code, arguments: _Arguments) -> list[str]:
    """Write the comparison of wrong entries with what they should be; nothing if none is known."""
    numeric = script.numeric
    wrong = [x for x in script.entries if x.verdict.accuses][:_MOST]
    if numeric is None or not wrong or any(numeric.paths[x.input] is None for x in wrong):
        return []
    computed = _computed(script.target, numeric, code, arguments.call)
    if not computed:
        return []
    rows = [
        f"    ({x.name!r}, gradient{_place(numeric, x)}, {x.expected!r}, {x.tolerance!r})," for x in wrong
    ]
    return [
        *computed,
        "",
        "found = [  # the derivative for, got, true, within",
        *rows,
        "]",
        "for name, got, true, tolerance in found:",
        '    print(f"the derivative for {name}: got {float(got)!r}, true {true!r} within {tolerance:.2g}")',
        "sys.exit(any(not abs(float(got) - true) <= tolerance for _, got, true, tolerance in found))",
    ]


def _place(numeric: Numeric, found: Entry) -> str:
    name = numeric.inputs[found.input].name
    return f"{numeric.paths[found.input]}{found.name.removeprefix(name)}"


def _computed(target: Target, numeric: Numeric, code: Code, call: str) -> list[str]:
    """Write the lines that compute the gradient; nothing where they are not known."""
    if any(literal(x) is None for x in numeric.cotangents):
        return []
    given = [f"cotangent = {literal(x)}  # what the value is multiplied by" for x in numeric.cotangents]
    match target.door:
        case Door.NUMPY:
            return [*given, *_by_hand(target, code, call, with_cotangent=bool(given))]
        case Door.PYTORCH if len(given) == 1 and "(" not in code.function:
            asked = ", ".join(str(path) for path in numeric.leaves)
            return [
                *given,
                f"function = {code.function}",
                f"output = function({call})",
                f"gradient = torch.autograd.grad(output, [{asked}], cotangent, allow_unused=True)",
            ]
        case Door.JAX if len(given) == 1:
            return [
                *given,
                f"output, pull = jax.vjp({code.function}, {call})",
                "gradient = pull(cotangent)",
            ]
    return []


def _by_hand(target: Target, code: Code, call: str, *, with_cotangent: bool) -> list[str]:
    """Write the lines that call a gradient written by hand; arguments by keyword come last."""
    if code.forward:
        return [f"output, saved = {code.forward}({call})", f"gradient = {code.backward}(cotangent, saved)"]
    if target.layer is not None:
        made = [f"layer = {code.function}", f"output = layer.forward({call})"]
        return [*made, "gradient = layer.backward(cotangent)"]
    arguments = [call, "cotangent"] if with_cotangent else [call]
    if "=" in call:
        arguments.reverse()
    return [f"gradient = {code.gradient}({', '.join(arguments)})"]


def _by_the_suite(script: Script, row: Row, code: Code, arguments: _Arguments) -> list[str]:
    """Write the check itself, which raises."""
    target, inputs = script.target, arguments.inputs
    seed = f", seed={script.seed}" if script.seed else ""
    match target.door:
        case Door.NUMPY if code.forward and row.name == "rules":
            return _traced("trace_backward", f"{code.forward}, {code.backward}, {inputs}{seed}")
        case Door.NUMPY if not code.gradient:
            return []
        case Door.NUMPY if row.name == "rules":
            return _traced("trace_gradient", f"{code.function}, {code.gradient}, {inputs}{seed}")
        case Door.NUMPY:
            asked = f"{code.function}, {code.gradient}, {inputs}{seed}"
            return ["from nn_from_scratch.verify import check_gradient", "", f"check_gradient({asked})"]
        case Door.PYTORCH:
            return [
                "from nn_from_scratch.verify.torch import gradcheck",
                "",
                f"gradcheck({code.function}, {inputs})",
            ]
        case Door.JAX:
            return [
                "from nn_from_scratch.verify.jax import check_grads",
                "",
                f"check_grads({code.function}, {inputs}, order={target.order}, modes={target.modes!r})",
            ]


def _traced(check: str, asked: str) -> list[str]:
    return [
        f"from nn_from_scratch.verify import {check}",
        "",
        f"found = {check}({asked})",
        "print(found)",
        "sys.exit(not found)",
    ]


def _joined(head: str, door: Door, imports: tuple[str, ...], body: list[str]) -> str:
    """Put a script together, with the imports that it uses: Python's, the frameworks', the user's."""
    wide = ['jax.config.update("jax_enable_x64", True)'] if door is Door.JAX and _wide_jax() else []
    text = "\n".join([*wide, *(["", *body] if wide else body)])
    own = [line for line in imports if line and line not in _STANDARD]
    standard = [x for x in _STANDARD if x in imports or f"{_module(x)}." in f"{text}\n{own}"]
    frameworks = [line for line in _IMPORTS[door] if f"{_module(line)}." in text]
    blocks = [[head], standard, frameworks, own, [text]]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _module(line: str) -> str:
    return line.rpartition(" ")[2]


def _wide_jax() -> bool:
    return bool(sys.modules["jax"].config.jax_enable_x64)


def _comment(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.splitlines())
