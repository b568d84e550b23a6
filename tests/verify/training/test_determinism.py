"""The same bits from the same start; where they differ, it is numpy's choice of instructions, and bounded."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nn_from_scratch.verify.training.loop import at_once, network, sample_by_sample, train
from nn_from_scratch.verify.training.recorded import load

ROOT = Path(__file__).parents[3]
TRAIN = """
import json, sys, numpy
from nn_from_scratch.verify.training.judge import judge_losses, judge_weights
from nn_from_scratch.verify.training.loop import at_once, network, train
from nn_from_scratch.verify.training.recorded import load
recorded = load("readme")
run = train(network(recorded), recorded, iterations=101, loss_of=at_once)
outcomes = [judge_losses(run.losses, recorded).outcome, judge_weights(run.weights, recorded).outcome]
print(json.dumps([run.digest, outcomes, numpy.__version__]))
"""


def digest_of_another_process(python: str = sys.executable, **environment: str) -> str:
    """Train in another process, require the result to be right, and return its digest."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [python, "-W", "ignore", "-c", TRAIN]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    digest, outcomes, version = json.loads(done.stdout)
    assert outcomes == ["right", "right"]
    if version != np.__version__:
        pytest.skip(f"{python} has numpy {version}")
    return str(digest)


def _succeeds(python: str, code: str) -> bool:
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def digest() -> str:
    recorded = load("readme")
    return train(network(recorded), recorded, iterations=101, loss_of=at_once).digest


@pytest.mark.parametrize("loss_of", [sample_by_sample, at_once])
def test_the_same_run_twice_is_the_same_to_the_last_bit(loss_of: object) -> None:
    recorded = load("readme")
    runs = [
        train(network(recorded), recorded, iterations=5, loss_of=loss_of)  # type: ignore[arg-type]
        for _ in range(2)
    ]
    assert runs[0].digest == runs[1].digest
    runs[1].losses[-1] = np.nextafter(runs[1].losses[-1], 0)
    assert runs[0].digest != runs[1].digest


@pytest.mark.once
@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_and_hash_seeds_change_no_bit(digest: str, threads: str) -> None:
    libraries = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    environment = {**dict.fromkeys(libraries, threads), "PYTHONHASHSEED": threads}
    assert digest_of_another_process(**environment) == digest


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_other_pythons_change_no_bit(digest: str, version: str) -> None:
    places = [*map(str, (ROOT / ".tox").glob("*/bin/python")), shutil.which(f"python{version}") or ""]
    probe = f"import sys, numpy, flint; assert sys.version.startswith('{version}.')"
    python = next((place for place in places if place and _succeeds(place, probe)), None)
    if python is None:
        pytest.skip(f"no Python {version} with the packages")
    assert digest_of_another_process(python) == digest


@pytest.mark.once
def test_other_instructions_change_the_last_digits_only(digest: str) -> None:
    # numpy picks its vectorized tanh by the processor: without it the bits differ, within the tolerance
    features = " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
    if not features:
        pytest.skip("numpy has nothing to choose from on this processor")
    assert digest_of_another_process(NPY_DISABLE_CPU_FEATURES=features) != digest
