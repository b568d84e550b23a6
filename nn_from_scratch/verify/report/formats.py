"""Numbers and text as a reader wants them."""

import math
import re
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup, escape

SUPERSCRIPTS = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
LOWERED = str.maketrans(SUPERSCRIPTS, "−0123456789")

# Control characters, lone surrogates and noncharacters (HTML has none of them), and the marks that
# reorder the letters around them, so that a script never reads otherwise than it runs.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)

_NOTHING = "–"


def printable(results: Any) -> Any:
    """Return JSON-like data with every character that no page may hold replaced by U+FFFD."""
    if isinstance(results, str):
        return _UNPRINTABLE.sub("\ufffd", results)
    if isinstance(results, dict):
        return {printable(str(key)): printable(value) for key, value in results.items()}
    if isinstance(results, list | tuple):
        return [printable(value) for value in results]
    return results


def shown(value: Any) -> Any:
    """Return what a template shows for a value: a dash where there is none."""
    return _NOTHING if value is None or isinstance(value, Undefined) else value


def number(value: Any) -> Any:
    """Return a number in at most three significant digits: ``1,990``, ``0.21``, ``3.2×10⁻¹⁵``."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return shown(value)
    if not math.isfinite(value):
        return _infinite(value)
    if isinstance(value, int) or value == 0:
        return f"{int(value):,}"
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    digits, exponent = f"{value:.2e}".split("e")
    return f"{float(digits):g}×{power_of_ten(int(exponent))}"


def power_of_ten(exponent: int) -> str:
    """Return 10 to an integer power in Unicode superscripts: ``10⁻³``."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", SUPERSCRIPTS))


def exact(value: Any) -> Any:
    """Return every digit of a number, as Python writes it."""
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else _infinite(value)
    return shown(value)


def seconds(value: Any) -> Any:
    """Return a duration in the unit that suits it: ``52 µs``, ``5.2 ms``, ``2 min 5 s``, ``3 h 10 min``."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return shown(value)
    if value >= 3600:
        return "{} h {} min".format(*divmod(round(value / 60), 60))
    if value >= 100:
        return "{} min {} s".format(*divmod(round(value), 60))
    for scale, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * scale >= 1:
            return f"{value * scale:.3g} {unit}"
    return "0 s" if value == 0 else f"{value * 1e9:.3g} ns"


def raised(text: Any) -> Markup:
    """Return text as HTML, escaped, with Unicode's superscripts set as ``<sup>``: fonts draw those evenly."""
    return Markup(  # noqa: S704 - escaped here
        re.sub(
            f"[{SUPERSCRIPTS}]+", lambda match: f"<sup>{match[0].translate(LOWERED)}</sup>", str(escape(text))
        )
    )


def quantity(value: Any, unit: Any) -> Any:
    """Return a number with its unit: ``5.2 ms``, ``96 bytes``, ``640 kB``."""
    if unit == "seconds":
        return seconds(value)
    if unit == "bytes" and isinstance(value, int | float):
        scale, unit = next(
            pair for pair in ((1e6, "MB"), (1e3, "kB"), (1, "bytes")) if value >= pair[0] or pair[0] == 1
        )
        value /= scale
    return f"{number(value)} {unit}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 graph``, ``2,000 graphs``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(words: list[str]) -> str:
    """Return words as a list in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _infinite(value: float) -> str:
    return "not a number" if math.isnan(value) else "∞" if value > 0 else "−∞"
