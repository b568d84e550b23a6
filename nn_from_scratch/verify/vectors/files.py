"""The files of vectors, and the header beside them that says what they hold."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.vectors.asked import SEED
from nn_from_scratch.verify.vectors.lines import FILES, lines

VERSION = 1
HEADER = "vectors.json"
_PLAIN, _COMPRESSED = ".jsonl", ".jsonl.gz"

Progress = Callable[[int, int, str], None]


def is_one_file(path: Path) -> bool:
    """Whether a path names a file for all vectors, not a folder for several."""
    return path.name.endswith((_PLAIN, _COMPRESSED))


def collect(operations: Collection[str], progress: Progress) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """Return the lines of each file, and the header.

    Parameters
    ----------
    operations
        Only vectors that have one of these; all if none is named.
    progress
        Told how many are done, of how many, and of which file.

    """
    found, described = {}, {}
    for name, collected in FILES.items():
        cases = collected.numbered(operations)
        written = []
        for done, line in enumerate(lines(cases)):
            if done % 100 == 0:
                progress(done, len(cases), name)
            if line is not None:
                written.append(line)
        found[name] = written
        plain = _text(written)
        described[f"{name}.gz"] = {
            "about": collected.about,
            "vectors": len(written),
            "undecided": len(cases) - len(written),
            "bytes": len(plain),
            "sha256": hashlib.sha256(plain).hexdigest(),
        }
    return found, _header(described, operations)


def _header(described: dict[str, Any], operations: Collection[str]) -> dict[str, Any]:
    return {
        "vectors": VERSION,
        "protocol": 1,
        "about": "Programs of an automatic differentiation, with their true answers: see VECTORS.md.",
        "licence": "MIT",
        "provenance": {"script": "nn_from_scratch/verify/vectors/files.py", "seed": SEED},
        "operations": sorted(operations) or "all",
        "formats": {
            name: {"unit roundoff": one.unit_roundoff.hex(), "bits": one.precision}
            for name, one in FORMATS.items()
        },
        "files": described,  # bytes and sha256 are those of what is compressed
    }


def paths(path: Path) -> list[Path]:
    """Return what is to be written: a file for all, if the path names one, else several in a folder."""
    return (
        [path] if is_one_file(path) else [path / name for name in (*(f"{name}.gz" for name in FILES), HEADER)]
    )


def contents(path: Path, found: dict[str, list[str]], header: dict[str, Any]) -> Iterator[tuple[Path, bytes]]:
    """Yield each of the paths with what belongs there, the header last."""
    if is_one_file(path):
        plain = _text([line for part in found.values() for line in part])
        yield path, compressed(plain) if path.name.endswith(_COMPRESSED) else plain
        return
    for name, part in found.items():
        yield path / f"{name}.gz", compressed(_text(part))
    yield path / HEADER, (json.dumps(header, indent=1) + "\n").encode("ascii")


def compressed(plain: bytes) -> bytes:
    """Compress without the time of day, so that the same lines give the same file."""
    return gzip.compress(plain, compresslevel=9, mtime=0)


def _text(written: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in written).encode("ascii")
