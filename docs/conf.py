"""How Sphinx builds this site: plain pages that ask for nothing from the network."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from nn_from_scratch.distribution import version as installed_version

sys.path.insert(0, str(Path(__file__).parent / "extensions"))
os.environ["COLUMNS"] = "80"  # by which argparse folds what it prints

project = "nn_from_scratch"
author = "The nn_from_scratch authors"
copyright = author  # noqa: A001  Sphinx's name
release = version = installed_version() or ""

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml", "generated"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

smartquotes = False  # what stands in quotation marks is often to be typed

html_theme = "furo"
html_title = project
html_static_path = ["style"]
html_css_files = ["output.css"]
html_js_files = ["accessible.js"]
pygments_dark_style = "github-dark"
html_math_renderer = "mathml"
html_copy_source = False
html_use_index = html_domain_indices = False  # the reference has everything on one page
html_show_sphinx = False

default_role = "code"  # docstrings write code between single backticks
napoleon_use_rtype = False
autodoc_typehints = "none"  # docstrings say what an argument is; signatures stay readable
autodoc_mock_imports = [name for name in ("torch", "jax") if find_spec(name) is None]


def without_empty_heads(app: Sphinx, tree: nodes.document) -> None:  # noqa: ARG001  Sphinx's signature
    """Take away the heads of tables that have nothing in them: Markdown has no table without one."""
    for head in list(tree.findall(nodes.thead)):
        if not head.astext().strip():
            head.parent.remove(head)


def setup(app: Sphinx) -> None:
    """Leave out of docstrings what is said to pytest, on a line of its own, and of tables empty heads."""

    def leave_out(*event: Any) -> None:
        lines: list[str] = event[-1]
        lines[:] = [line for line in lines if not line.startswith("PYTEST_DONT_REWRITE")]

    app.connect("autodoc-process-docstring", leave_out)
    app.connect("doctree-read", without_empty_heads)
