"""What the pages take from the project itself, so that it cannot go stale.

Each directive writes Markdown, which is read as if it stood in the page.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from nn_from_scratch.statuses import MEANINGS
from nn_from_scratch.verify.cli.commands import command_line
from nn_from_scratch.verify.state import CHECKS

ROOT = Path(__file__).parents[2]
FINDINGS = ROOT / "reference" / "findings"
SCHEMAS = files("nn_from_scratch.verify.results")


def statuses() -> Iterator[str]:
    """Write the table of exit statuses."""
    yield from ("| exit status | says |", "| --- | --- |")
    yield from (f"| {status} | {meaning} |" for status, meaning in MEANINGS.items())


def commands() -> Iterator[str]:
    """Write every command with all that it takes."""
    parser = command_line()
    (subparsers,) = parser._subparsers._group_actions  # type: ignore[union-attr]  # noqa: SLF001
    for name, command in subparsers.choices.items():  # type: ignore[union-attr]
        yield from _command(name, command)
        if command.epilog and command.epilog != parser.epilog:  # statuses that say more of this command
            yield from (f"{_sentence(command.epilog)}", "")


def _command(name: str, command: argparse.ArgumentParser) -> Iterator[str]:
    first, _, more = (command.description or "").partition("\n")
    yield from (f"## {name}", "", first, "", "```none", f"{command.format_usage().strip()}", "```", "")
    if more.strip():
        yield from ("```none", more.strip(), "```", "")
    yield from ("| argument | what it does |", "| --- | --- |")
    for action in command._actions:  # noqa: SLF001  argparse has no public list
        if action.help is not argparse.SUPPRESS and "--help" not in action.option_strings:
            yield f"| {_called(action)} | {_in_a_cell(_help(command, action))} |"
    yield ""


def _called(action: argparse.Action) -> str:
    name = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else "")
    if not action.option_strings:
        return f"`{name or action.dest}`"
    value = f" {name}" if action.nargs != 0 and name else ""
    return f"`{', '.join(action.option_strings)}{value}`".replace("|", "\\|")


def _help(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    return command._get_formatter()._expand_help(action)  # noqa: SLF001  with its defaults


def _in_a_cell(text: str) -> str:
    return re.sub(r"(--[\w-]+)", r"`\1`", " ".join(text.split())).replace("|", "\\|")


def _sentence(text: str) -> str:
    joined = " ".join(text.split())
    return f"{joined[:1].upper()}{joined[1:]}."


def findings() -> Iterator[str]:
    """Write every finding in a released engine, in the order of their list."""
    listed = re.findall(r"\]\((.+?\.md)\)", (FINDINGS / "README.md").read_text(encoding="utf-8"))
    for name in listed:
        text = (FINDINGS / name).read_text(encoding="utf-8")
        yield from (f"#{text.strip()}", "")  # one level deeper


def checks() -> Iterator[str]:
    """Write the table of the checks of state and limits."""
    yield from ("| check | grade | what is said where it fails |", "| --- | --- | --- |")
    yield from (f"| {name} | {one.grade} | {one.happened} |" for name, one in CHECKS.items())


def document(path: str) -> Iterator[str]:
    """Write a document that stands beside the code, one level deeper; what it links to is only named."""
    text = (ROOT / path).read_text(encoding="utf-8")
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    for position, part in enumerate(parts):
        if position % 2:  # a block of code
            yield re.sub(r"\A```$", "```none", part, flags=re.MULTILINE)
        else:
            named = re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)", r"\1", part)
            yield re.sub(r"^#", "##", named, flags=re.MULTILINE)


def schema(name: str) -> Iterator[str]:
    """Write what the JSON Schema of a command's results says of every key."""
    file = SCHEMAS / f"{name}.schema.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    parts = Parts(name, told["$defs"])
    yield from (f"## {name}", "", told["description"])
    yield from (f"The JSON Schema is `nn_from_scratch/verify/results/{file.name}`.", "")
    yield from parts.keys(told)
    for title, part in parts.defined.items():
        if "properties" in part:
            yield from (f"### {title} ({name})", "", part["description"], "")
            yield from parts.keys(part)


@dataclass(frozen=True)
class Parts:
    """The parts that a schema defines, by their names, and the command that it is of."""

    command: str
    defined: Mapping[str, Any]

    def keys(self, part: Mapping[str, Any]) -> Iterator[str]:
        """Write the table of an object's keys."""
        yield from ("| key | value | what it says |", "| --- | --- | --- |")
        for key, told in part["properties"].items():
            optional = "" if key in part["required"] else " (may be absent)"
            yield f"| `{key}` | {self.kind(told)}{optional} | {told['description']} |"
        yield ""

    def kind(self, told: Mapping[str, Any]) -> str:
        """Say in words what a value is."""
        if "$ref" in told:
            name = told["$ref"].rpartition("/")[2]
            has_a_table = "properties" in self.defined[name]
            return f"[{name}](#{name}-{self.command})" if has_a_table else self.kind(self.defined[name])
        if "anyOf" in told:
            return " or ".join(map(self.kind, told["anyOf"]))
        if "const" in told or "enum" in told:
            return ", ".join(f"`{json.dumps(one)}`" for one in told.get("enum", [told.get("const")]))
        kinds = told.get("type", "anything")
        return " or ".join(
            self._of_parts(kind, told) for kind in ([kinds] if isinstance(kinds, str) else kinds)
        )

    def _of_parts(self, kind: str, told: Mapping[str, Any]) -> str:
        if kind == "array":
            return f"list of {self.kind(told['items'])}"
        if kind == "object" and "properties" in told:
            return "object of " + ", ".join(f"`{key}`" for key in told["properties"])
        if kind == "object" and isinstance(told.get("additionalProperties"), dict):
            return f"object, each {self.kind(told['additionalProperties'])}"
        return kind


def _directive(write: Callable[..., Iterator[str]], *, arguments: int = 0) -> type[SphinxDirective]:
    class Generated(SphinxDirective):
        required_arguments = arguments

        def run(self) -> list[nodes.Node]:
            return self.parse_text_to_nodes("\n".join(write(*self.arguments)), allow_section_headings=True)

    return Generated


def setup(app: Sphinx) -> ExtensionMetadata:
    """Offer the directives to Sphinx."""
    app.add_directive("statuses", _directive(statuses))
    app.add_directive("commands", _directive(commands))
    app.add_directive("findings", _directive(findings))
    app.add_directive("checks", _directive(checks))
    app.add_directive("document", _directive(document, arguments=1))
    app.add_directive("schema", _directive(schema, arguments=1))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
