"""Commands that do not find PyTorch, whose import would take longer than all else that they do."""

import os
from pathlib import Path


def environment(folder: Path) -> dict[str, str]:
    """Return the variables of a process that finds no PyTorch; what hides it is written into the folder."""
    hiding = folder / "without_torch"
    hiding.mkdir(exist_ok=True)
    (hiding / "torch.py").write_text("raise ModuleNotFoundError('hidden from this process', name='torch')\n")
    found = [str(hiding), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, found))}
