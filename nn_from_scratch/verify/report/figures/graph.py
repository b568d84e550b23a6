"""The graph of a failing case: its nodes in layers, inputs on top, with what they hold."""

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from markupsafe import Markup

from nn_from_scratch.verify.report.headline import Results

Line = tuple[str, str]
_MOST_NODES = 12
_WIDTH, _LINE, _PADDING, _ACROSS, _DOWN = 178, 17, 9, 22, 38  # CSS pixels: boxes, and the gaps between them
_LETTERS = 21  # that a box has room for


def graph(failure: Results) -> Markup:
    """Draw the nodes of a failure as inline SVG; nothing where there are none, or too many to grasp."""
    nodes = (failure.get("graph") or {}).get("nodes") or []
    if not 0 < len(nodes) <= _MOST_NODES:
        return Markup()
    layers = _layers(nodes)
    texts = [_texts(node) for node in nodes]
    heights = [2 * _PADDING + _LINE * max(len(texts[k]) for k in layer) for layer in layers]
    widest = max(map(len, layers))
    width = widest * (_WIDTH + _ACROSS)
    height = sum(heights) + _DOWN * (len(layers) - 1) + 4
    corner: dict[int, tuple[float, float]] = {}
    top = 2.0
    for layer, tall in zip(layers, heights, strict=True):
        left = (width - len(layer) * (_WIDTH + _ACROSS) + _ACROSS) / 2
        corner |= {k: (left + place * (_WIDTH + _ACROSS), top) for place, k in enumerate(layer)}
        top += tall + _DOWN
    label = f"The graph of {failure.get('text', '')}, the operation to blame marked"
    size = {"width": str(width), "height": f"{height:g}", "viewBox": f"0 0 {width} {height:g}"}
    root = ET.Element("svg", size | {"class": "graph", "role": "img", "aria-label": label})
    for k, node in enumerate(nodes):
        for side, operand in enumerate(node["operands"]):
            x, y = corner[operand]
            below = y + 2 * _PADDING + _LINE * len(texts[operand])
            end = corner[k][0] + _WIDTH * (side + 1) / (len(node["operands"]) + 1)
            _edge(root, (x + _WIDTH / 2, below), (end, corner[k][1]))
    for k, node in enumerate(nodes):
        _box(root, corner[k], texts[k], node)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - ET escapes text


def _layers(nodes: Sequence[Results]) -> list[list[int]]:
    """Return the nodes by their longest way from an input, each layer in the order of its operands."""
    depths: list[int] = []
    for node in nodes:
        depths.append(1 + max((depths[k] for k in node["operands"]), default=-1))
    # What is used once, far below, stands just above its user.
    for k, node in enumerate(nodes):
        users = [depths[user] for user, other in enumerate(nodes) if k in other["operands"]]
        if users and not node["operands"]:
            depths[k] = min(users) - 1
    layers: list[list[int]] = [[] for _ in range(max(depths) + 1)]
    place: dict[int, float] = {}
    for k in sorted(range(len(nodes)), key=depths.__getitem__):
        layers[depths[k]].append(k)
    for layer in layers:
        before = {k: _mean([place[o] for o in nodes[k]["operands"]], k) for k in layer}
        layer.sort(key=before.__getitem__)
        place |= {k: position - len(layer) / 2 for position, k in enumerate(layer)}
    return layers


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _texts(node: Results) -> list[Line]:
    """Return the lines in a node's box, each with what it tells."""
    lines = [("label", node["label"] + (" ← to blame" if node.get("blamed") else ""))]
    for name in ("value", "adjoint"):
        got, expected = (node.get(name) or {}).get("got"), (node.get(name) or {}).get("expected")
        shown, right = _numbers(got), _numbers(expected)
        if got is not None:
            lines.append((name, f"{name} {shown}"))
        if expected and shown != right and (got is None or name == "value" or _is_wrong(node, name)):
            lines.append((name, f"{'expected' if got is not None else name} {right}"))
        elif _is_wrong(node, name):
            lines.append((name, "wrong in later digits"))
    return [(name, line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1]}…") for name, line in lines]


def _is_wrong(node: Results, name: str) -> bool:
    return bool(node.get("wrong") if name == "adjoint" else (node.get("value") or {}).get("wrong"))


def _numbers(numbers: Any) -> str:
    if not isinstance(numbers, list):
        return ""
    texts = ["none" if x is None else f"{x:.6g}" for x in numbers]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _edge(root: ET.Element, start: tuple[float, float], end: tuple[float, float]) -> None:
    (x, y), (u, v) = start, end
    middle = (y + v) / 2
    ET.SubElement(
        root,
        "path",
        {"class": "edge", "d": f"M{x:g} {y:g}C{x:g} {middle:g} {u:g} {middle:g} {u:g} {v - 1:g}"},
    )


def _box(root: ET.Element, corner: tuple[float, float], lines: Sequence[Line], node: Results) -> None:
    x, y = corner
    kinds = ["node", *(word for word in ("wrong", "blamed") if node.get(word))]
    kinds += ["wrong-value"] if _is_wrong(node, "value") else []
    box = ET.SubElement(root, "g", {"class": " ".join(kinds)})
    size = {"width": f"{_WIDTH:g}", "height": f"{2 * _PADDING + _LINE * len(lines):g}"}
    ET.SubElement(box, "rect", {"x": f"{x:g}", "y": f"{y:g}", "rx": "4"} | size)
    for number, (name, line) in enumerate(lines):
        place = {"x": f"{x + _PADDING:g}", "y": f"{y + _PADDING + _LINE * (number + 0.75):g}"}
        ET.SubElement(box, "text", place | {"class": name}).text = line
