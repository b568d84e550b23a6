"""A verdict as a status badge, an SVG of its own."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from nn_from_scratch.verify.results.junit import written
from nn_from_scratch.verify.results.summary import Summary

_COLOURS = {"right": "#2e7d32", "wrong": "#c62828"}
_UNSETTLED = "#8a6d00"
_LABEL, _LETTER = "gradients", 7
"""Pixels are taken for each letter, and the text is stretched to them: fonts differ."""


def badge(summary: Summary) -> str:
    """Return a badge of a verdict; the name of what was checked is its title."""
    left, right = (len(text) * _LETTER + 12 for text in (_LABEL, summary.verdict))
    root = ET.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", width=str(left + right), height="20", role="img"
    )
    ET.SubElement(root, "title").text = f"gradients of {summary.spec}: {summary.verdict}"
    colour = _COLOURS.get(summary.verdict, _UNSETTLED)
    for x, width, fill, text in (
        (0, left, "#444", _LABEL),
        (left, right, colour, summary.verdict),
    ):
        ET.SubElement(root, "rect", x=str(x), width=str(width), height="20", fill=fill)
        style = {"font-family": "Verdana, sans-serif", "font-size": "11", "fill": "#fff"}
        length = str(len(text) * _LETTER)
        ET.SubElement(root, "text", {"x": str(x + 6), "y": "14", "textLength": length, **style}).text = text
    return written(root)
