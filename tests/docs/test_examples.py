"""The examples of the documentation run, and print what the pages say."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from documented import Reader, blocks, require_printed

from nn_from_scratch.verify.state import growth

pytestmark = pytest.mark.once

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
ASKED = [
    (path, framework)
    for path in PAGES
    for framework in sorted({block.framework for block in blocks(path) if not block.file})
]


@pytest.mark.parametrize(
    ("path", "framework"), ASKED, ids=[f"{path.stem}-{framework or 'numpy'}" for path, framework in ASKED]
)
def test_examples_do_what_the_page_says(
    path: Path, framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if framework:
        pytest.importorskip(framework)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # as Python does for who is in the folder
    monkeypatch.setenv("COLUMNS", "88")
    # Seconds in which time is seen to grow, on slow machines too; users have 3.
    monkeypatch.setattr(growth.measured, "__defaults__", (1.0,))
    reader = Reader(path, framework)
    modules = {Path(block.file).stem for block in reader.blocks if block.file}
    for name in modules & sys.modules.keys():  # another test's
        monkeypatch.delitem(sys.modules, name)
    try:
        assert reader.read()
    finally:
        for name in modules & sys.modules.keys():
            del sys.modules[name]


def test_every_block_of_code_is_run_or_text() -> None:
    """A page in which an example is written so that nothing runs it is found."""
    for path in PAGES:
        fences = re.findall(r"^```(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        known = {"python", "bash", "text", "none", "json", *(name for name in fences if name.startswith("{"))}
        assert set(fences) <= known, path.name


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```python\nprint(2)\n```\n\n```text\n1\n```\n", "promises"),
        ("```python\nprint(1)\n1 / 0\n```\n\n```text\n1\n```\n", "ZeroDivisionError"),
        ("```bash\nnn-from-scratch verify --engine missing.py\n```\n", "exits with 4"),
        ("```bash\nmake coffee\n```\n", "nothing runs make"),
    ],
)
def test_a_page_that_is_not_true_is_found(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match=problem):
        Reader(page(tmp_path, text)).read()


def test_a_page_that_is_true_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    true = (
        "```python\n# one.py\nONE = 1\n```\n```python\nx = 1\n```\n```python\nprint(x)\n1 / 0\n```\n\n"
        "```text\n1\nZeroDivisionError: ...\n```\n```bash\npython -c 'import one'\n"
        "nn-from-scratch verify --graphs no # exits with 4\n```\n"
    )
    assert Reader(page(tmp_path, true)).read() == 3
    require_printed("a ... c\n", "a b c  \n", "here")
