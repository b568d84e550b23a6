"""An engine of which the source is given, asked in a process of its own."""

from pathlib import Path
from typing import Any

from nn_from_scratch.verify import isolated, verify


def asked_apart(path: Path, source: str, graphs: int = 10) -> dict[str, Any]:
    """Write an engine's source to a file, and return what `verify` says of its rules and accuracy."""
    path.write_text(source)
    engine = isolated(path)
    try:
        return verify(engine, graphs=graphs, grades=("rules", "accuracy"))
    finally:
        engine.driver.close()
