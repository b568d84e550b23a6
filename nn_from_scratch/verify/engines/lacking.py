"""What an engine lacks: told from a fault by what it raises, and when."""

from __future__ import annotations

import numpy as np

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.questions.cases import Case

_LACKS = (AttributeError, TypeError, NotImplementedError)


def lack(engine: Engine, case: Case) -> str:
    """Return why an engine cannot compute a case at all; nothing where it can, or claims that it could.

    An engine lacks what its forward pass refuses, as something that is not there or not of the right type,
    and what either pass says is not implemented.
    """
    if engine.complete:
        return ""
    for ask, lacks in ((engine.forward, _LACKS), (engine.answer, NotImplementedError)):
        try:
            with np.errstate(all="ignore"):
                ask(case)
        except lacks as error:
            return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        except Exception:  # noqa: BLE001  a fault, which is judged as such
            return ""
    return ""
