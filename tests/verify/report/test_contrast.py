import re
from collections.abc import Callable

import pytest

TEXT = ("ink", "muted", "engine", "reference", "right", "inaccurate", "undecided", "wrong")
TONES = ("right", "wrong", "inaccurate", "muted")

Colour = tuple[float, ...]


@pytest.fixture(params=["light", "dark"])
def colours(request: pytest.FixtureRequest, page_of: Callable[[str], str]) -> dict[str, Colour]:
    """Return the page's colours by their names, sRGB in 0 to 1, in one of the themes."""
    pairs = re.findall(r"--(\w+): light-dark\(#(\w{6}), #(\w{6})\);", page_of("everything"))
    theme = ["light", "dark"].index(request.param)
    return {name: tuple(byte / 255 for byte in bytes.fromhex(pair[theme])) for name, *pair in pairs}


def luminance(colour: Colour) -> float:
    """Return the relative luminance that WCAG 2.1 defines."""
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def mix(colour: Colour, share: float, base: Colour) -> Colour:
    return tuple(share * x + (1 - share) * y for x, y in zip(colour, base, strict=True))


@pytest.mark.once
@pytest.mark.parametrize("background", ["paper", "surface"])
def test_text_has_contrast_aa(colours: dict[str, Colour], background: str) -> None:
    low = {name for name in TEXT if contrast(colours[name], colours[background]) < 4.5}
    assert low == set()


@pytest.mark.parametrize("tone", TONES)
def test_top_has_contrast_aa_even_on_its_lines(colours: dict[str, Colour], tone: str) -> None:
    line = mix(colours[tone], 0.11, mix(colours[tone], 0.05, colours["paper"]))
    low = {name for name in ("ink", "muted") if contrast(colours[name], line) < 4.5}
    assert low == set()
    assert contrast(colours[tone], line) >= 3  # the verdict is large
