"""Inputs as Python text that is exactly them: a script needs no file beside it."""

from __future__ import annotations

import base64
import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

WRITTEN = 256
"""So many numbers of an array are written out; of more, the bytes are."""
MOST = 2**17
"""An array of more numbers is not written at all."""


def literal(x: Any) -> str | None:
    """Return text that evaluates to the same: of numbers, arrays and nestings of them, else None."""
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if torch is not None and isinstance(x, torch.Tensor):
        return _tensor(x)
    if jax is not None and isinstance(x, jax.Array):
        return _of_jax(x)
    if isinstance(x, np.ndarray):
        return _array(x)
    return _number(x) if isinstance(x, (np.generic, float)) else _nested(x)


def _number(x: Any) -> str | None:
    if isinstance(x, np.generic):
        return f"np.{x.dtype}({x.item()!r})" if x.dtype.kind in "fiub" and np.isfinite(x) else None
    return repr(x) if math.isfinite(x) else f"float({str(x)!r})"


def _nested(x: Any) -> str | None:
    if x is None or isinstance(x, (bool, int, str, bytes)):
        return repr(x)
    if type(x) is dict:
        pairs = [(repr(key), literal(value)) for key, value in x.items() if isinstance(key, (str, int))]
        whole = len(pairs) == len(x) and all(text is not None for _, text in pairs)
        return "{" + ", ".join(f"{key}: {text}" for key, text in pairs) + "}" if whole else None
    if type(x) not in (list, tuple):
        return None
    parts = [literal(part) for part in x]
    if any(part is None for part in parts):
        return None
    inside = ", ".join(str(part) for part in parts)
    if isinstance(x, list):
        return f"[{inside}]"
    return f"({inside},)" if len(parts) == 1 else f"({inside})"


def _array(x: npt.NDArray[Any]) -> str | None:
    if x.dtype.kind not in "fiub" or x.size > MOST or x.dtype.itemsize > 8:
        return None
    if x.size <= WRITTEN and np.isfinite(x).all() and x.size:
        return f"np.array({x.tolist()!r}, dtype=np.{_numpys(x.dtype)})"
    text = base64.b64encode(np.ascontiguousarray(x).tobytes()).decode()
    plain = f"np.frombuffer(base64.b64decode({text!r}), dtype=np.{_numpys(x.dtype)})"
    return f"{plain}.reshape({x.shape}).copy()"


def _numpys(dtype: np.dtype[Any]) -> str:
    return "bool_" if dtype.kind == "b" else str(dtype)


def _tensor(x: Any) -> str | None:
    torch = sys.modules["torch"]
    if x.is_complex() or x.layout != torch.strided:
        return None
    plain = x.detach().cpu()
    wide = plain.double() if x.is_floating_point() else plain
    needs = ".requires_grad_()" if x.requires_grad else ""
    if x.numel() <= WRITTEN and x.numel() and bool(wide.isfinite().all()):
        return f"torch.tensor({wide.tolist()!r}, dtype={x.dtype}){needs}"
    text = _array(wide.numpy())
    return None if text is None else f"torch.from_numpy({text}).to({x.dtype}){needs}"


def _of_jax(x: Any) -> str | None:
    dtype = str(x.dtype)
    floating = dtype.startswith(("float", "bfloat"))
    text = _array(np.asarray(x, np.float64) if floating else np.asarray(x))
    if text is None:
        return None
    weak = getattr(x, "weak_type", False) and x.ndim == 0 and floating
    return repr(float(x)) if weak else f"jnp.asarray({text}, dtype=jnp.{dtype.replace('bool', 'bool_')})"
