"""Matplotlib drawings as inline SVG that follows the page's colours and widths."""

import io
import re
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from nn_from_scratch.verify.report.formats import LOWERED, SUPERSCRIPTS

Painter = Callable[[Figure], None]

# Each colour is drawn as a stand-in that the SVG then swaps for the CSS variable of the same name, so
# that one drawing serves the light and the dark page.
_NAMES = (
    "ink",
    "muted",
    "rule",
    "surface",
    "engine",
    "reference",
    "right",
    "inaccurate",
    "wrong",
    "undecided",
)
COLOURS = {name: f"#fe01{index:02x}" for index, name in enumerate(_NAMES)}

_STYLE = {
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.labelsize": 12,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 72,  # so that a point is a CSS pixel
    "font.size": 12,
    "svg.fonttype": "none",
    "svg.hashsalt": "nn_from_scratch",
    "text.color": COLOURS["ink"],
    "text.parse_math": False,  # an engine's name is text, dollar signs included
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
}

# Strokes of a mark in pixels about its centre: shapes, so that colour is not alone in telling verdicts apart.
MARKS: dict[str, list[list[tuple[float, float]]]] = {
    "dot": [[(0, 0), (0, 0)]],
    "cross": [[(-3, -3), (3, 3)], [(-3, 3), (3, -3)]],
    "plus": [[(-3.5, 0), (3.5, 0)], [(0, -3.5), (0, 3.5)]],
    "dash": [[(-3, 0), (3, 0)]],
}

_CELL = 1.5  # pixels: marks nearer than this are one mark, which bounds the page's size for any campaign


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of a size in CSS pixels."""
    return Figure(figsize=(width / 72, height / 72))


def panel(figure: Figure, *, left: float, right: float, top: float, bottom: float) -> Axes:
    """Return axes whose margins to the figure's edges are given in CSS pixels."""
    width, height = figure.get_size_inches() * 72
    return figure.add_axes(
        (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height),
        facecolor="none",
    )


def decades(low: float, high: float, most: int) -> list[int]:
    """Return at most about `most` evenly spaced integer exponents within [low, high]."""
    step = max(1, int(np.ceil((high - low) / most)))
    return [
        exponent for exponent in range(int(np.ceil(low)), int(np.floor(high)) + 1) if exponent % step == 0
    ]


def mark(
    axes: Axes, x: NDArray[Any], y: NDArray[np.float64], *, shape: str, colour: str, size: float
) -> None:
    """Draw any number of marks as one path; the axes' limits must be set already."""
    pixels = axes.transData.transform(np.column_stack([x, y]))
    centres = np.unique(np.round(pixels / _CELL), axis=0) * _CELL
    vertices = np.concatenate([centres[:, None] + np.array(stroke) for stroke in MARKS[shape]]).reshape(-1, 2)
    path = Path(vertices, np.tile([Path.MOVETO, Path.LINETO], len(vertices) // 2))
    path.should_simplify = False  # it would drop the strokes of no length, which round caps show as dots
    axes.add_patch(
        PathPatch(path, fill=False, edgecolor=COLOURS[colour], lw=size, capstyle="round", transform=None)
    )


def responsive(
    name: str, label: str, wide: tuple[float, float], narrow: tuple[float, float], paint: Painter
) -> Markup:
    """Return a drawing at two widths, of which the style sheet shows the one that fits the screen.

    Text keeps its size on a phone because the drawing is made anew, not scaled.
    """
    sizes = {"wide": wide, "narrow": narrow}
    return Markup("\n").join(_svg(f"{name}-{kind}", kind, label, size, paint) for kind, size in sizes.items())


def _svg(name: str, kind: str, label: str, size: tuple[float, float], paint: Painter) -> Markup:
    buffer = io.BytesIO()
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        # Letters that matplotlib's own font lacks are drawn by the browser's.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from")
        figure = canvas(*size)
        paint(figure)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - matplotlib wrote it a moment ago
    _strip(root)
    _raise(root)
    _rename(root, name)
    root.attrib = {
        "class": kind,
        "viewBox": root.attrib["viewBox"],
        "width": f"{size[0]:g}",
        "height": f"{size[1]:g}",
        "role": "img",
        "aria-label": label,
    }
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - ET escapes text


def _strip(root: ET.Element) -> None:
    """Remove what inline SVG does not need: namespaces, metadata, a global style, blanks and digits."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.tail = None
        if element.tag != "text":
            element.text = None
        attributes = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        if attributes.get("transform", "").startswith("rotate(-0 "):
            del attributes["transform"]
        for key in attributes.keys() & {"d", "x", "y", "transform", "width", "height"}:
            attributes[key] = _short(attributes[key])
        if "style" in attributes:
            attributes["style"] = _themed(attributes["style"])
        element.attrib = attributes


def _raise(root: ET.Element) -> None:
    """Set superscripts as raised digits: in many fonts those of Unicode do not match one another."""
    for text in list(root.iter("text")):
        base, *rest = re.split(f"([{SUPERSCRIPTS}]+)", text.text or "")
        text.text = base
        for exponent, after in zip(rest[::2], rest[1::2], strict=True):
            raised = ET.SubElement(text, "tspan", {"dy": "-.4em", "font-size": "75%"})
            raised.text = exponent.translate(LOWERED)
            ET.SubElement(text, "tspan", {"dy": ".3em"}).text = after


def _short(numbers: str) -> str:
    """Round coordinates to a tenth of a pixel."""
    rounded = re.sub(r"-?\d+\.\d+", lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), numbers)
    return re.sub(r"\s*([MLQCzZ])\s*", r"\1", rounded).strip()


def _themed(declarations: str) -> str:
    """Swap stand-in colours for CSS variables and leave the choice of font to the page."""
    declarations = re.sub(r"font-family: [^;]*;?\s*", "", declarations)
    for name, colour in COLOURS.items():
        declarations = declarations.replace(colour, f"var(--{name})")
    return declarations


def _rename(root: ET.Element, name: str) -> None:
    """Make the ids that are referred to unique in the page, and drop the others."""
    reference = re.compile(r"#([\w.-]+)")
    used = {
        identifier
        for element in root.iter()
        for key in ("href", "clip-path")
        for identifier in reference.findall(element.get(key, ""))
    }
    short = {identifier: f"{name}-{index}" for index, identifier in enumerate(sorted(used))}
    for element in root.iter():
        identifier = element.attrib.pop("id", "")
        if identifier in short:
            element.set("id", short[identifier])
        for key in ("href", "clip-path"):
            if key in element.attrib:
                element.set(key, reference.sub(lambda match: f"#{short[match[1]]}", element.attrib[key]))
