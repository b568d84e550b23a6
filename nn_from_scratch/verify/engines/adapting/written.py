"""The text of an adapter: what was guessed, as a file that a person reads and mends."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from nn_from_scratch.verify.engines.adapting.guesses import Guess
from nn_from_scratch.verify.engines.adapting.words import said
from nn_from_scratch.verify.engines.specs import importable


def adapter(guess: Guess, module: ModuleType, output: str) -> str:
    """Return the text of a file that lies at `output`, empty for none."""
    spelling = said(guess.spelling)
    name, kind = importable(module.__name__), guess.kind.__name__
    imported = [kind, *([guess.backward] if guess.is_function else [])]
    lines = [f"# An adapter for {kind} of {name}, which was probed: mend what is not so."]
    folder = Path(module.__file__ or "").resolve().parent
    is_a_file = name != module.__name__
    if is_a_file and (not output or folder != Path(output).resolve().parent):
        lines += ["import sys", "", f"sys.path.insert(0, {_quoted(str(folder))})", ""]
    if "functions" in spelling:
        lines.append(f"import {name} as ops")
    lines += [f"from {name} import {', '.join(imported)}"]
    lines.append(f"from nn_from_scratch.verify import Engine{', Spelling' if spelling else ''}")
    lines += ["", "engine = Engine.from_tape(", f"    variable={kind},"]
    lines.append(f"    value={_quoted(guess.value)},")
    if guess.gradient:
        lines.append(f"    gradient={_gradient(guess)},")
    if guess.is_function:
        lines.append(f"    backward={guess.backward},")
    elif guess.backward != "backward":
        lines.append(f"    backward={_quoted(guess.backward)},")
    if guess.arrays:
        lines.append("    arrays=True,")
    if spelling:
        lines.append("    spelling=Spelling(")
        for key, word in spelling.items():
            lines.append(f"        {key}={'ops' if key == 'functions' else _quoted(word)},")
        lines.append("    ),")
    return "\n".join([*lines, ")", ""])


def _quoted(word: Any) -> str:
    """Write a name, or names, as Python code mostly is written."""
    text = repr(word)
    return text if '"' in text else text.replace("'", '"')


def _gradient(guess: Guess) -> str:
    name, _, part = guess.gradient.partition(".")
    if not part:
        return _quoted(name)
    return f"lambda leaf: None if leaf.{name} is None else leaf.{name}.{part}"


def guesses(guess: Guess, module: ModuleType) -> list[str]:
    """Return what was guessed, in words."""
    kind = guess.kind.__name__
    made = {"given": f"{kind}(3.0)", "array": f"{kind}(np.array(3.0))", "list": f"{kind}([1.0, 2.0])"}[
        guess.leaves
    ]
    found = [f"a leaf is made by {made}", f"its value is `{guess.value}`"]
    found.append(_reverse_pass(guess))
    again = {True: "adds to gradients", False: "begins anew", None: "gives neither the sum nor the last"}
    found.append(f"a second reverse pass {again[guess.adds_up]}")
    found.append("numbers may be arrays" if guess.arrays else "numbers are scalars, no arrays")
    if guess.arrays:
        taken = guess.spelling.get("cotangent", "array")
        words = {"array": "takes its cotangent as an array", "node": f"takes its cotangent as a {kind}"}
        found.append(
            f"the reverse pass {words.get(taken, 'takes no cotangent, and runs from single numbers')}"
        )
    for key, word in said(guess.spelling).items():
        if key not in ("functions", "cotangent", "gradients"):
            found.append(f"{key}={word!r}")
    if "matmul_ranks" in guess.spelling:
        found.append(
            "matrix products of arrays of other ranks raise, or get gradients of another shape: if they are "
            "meant to work, that is a fault, and the line is to be taken out"
        )
    if "functions" in guess.spelling:
        found.append(f"operations are functions of {importable(module.__name__)}, or methods")
    return found


def _reverse_pass(guess: Guess) -> str:
    table = guess.spelling.get("gradients")
    if table == "asked":
        return f"{guess.backward}(output, [leaf, ...]) returns a list of gradients"
    how = f"{guess.backward}(output)" if guess.is_function else f"output.{guess.backward}()"
    where = f"`{guess.gradient}`" if guess.gradient else f"the table that it returns, {table}"
    return f"{how} runs the reverse pass, and a leaf's gradient is then in {where}"
