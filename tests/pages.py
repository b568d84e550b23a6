"""What every page has to be: strict HTML that asks for nothing outside, with links that lead somewhere."""

import re

import pytest


def require_strict_html(html: str) -> None:
    html5lib = pytest.importorskip("html5lib")
    html5lib.HTMLParser(strict=True).parse(html)


def require_ids_once_and_links_to_them(html: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    targets = re.findall(r'(?:href="#|url\(#|aria-labelledby=")([\w.-]+)', html)
    assert targets
    assert set(targets) <= set(ids)


def require_nothing_outside(html: str) -> None:
    assert not re.findall(r"<(?:img|link|iframe|script [^>]*src)", html)
    assert not re.findall(r"(?:src|href)=\"(?!#)|url\((?!#)|@import|https?://", html)
    assert "default-src 'none'" in html
    assert not re.findall("[\x00\u202e]", html)


def text_of(html: str) -> str:
    """Return what a reader sees of a page, with single spaces."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())
