"""The processes of a Dask cluster as an executor."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager
from typing import Any

from nn_from_scratch.distribution import install_command
from nn_from_scratch.verify.store.running import Executors
from nn_from_scratch.verify.store.store import StoreError

_PATIENCE = 10.0  # seconds to reach the scheduler


def cluster(address: str) -> Executors:
    """Return what gives an executor of a cluster; what a worker that dies was asked, another one is asked.

    Parameters
    ----------
    address
        Of its scheduler, such as ``tcp://127.0.0.1:8786``.

    """

    @contextmanager
    def connected() -> Iterator[Executor]:
        with _client(address) as client:
            from dask.distributed import CancelledError, KilledWorker  # noqa: PLC0415  an optional package

            try:
                executor = client.get_executor(pure=False)
                try:
                    yield executor
                except BaseException:
                    executor.shutdown(wait=False)  # which cancels what is not answered
                    raise
                executor.shutdown()
            except KilledWorker as error:
                raise BrokenExecutor(str(error)) from error
            except CancelledError as error:
                raise StoreError(f"the cluster at {address} is gone; what was committed is kept") from error

    return connected


def workers_of(address: str) -> int:
    """Return how many chunks a cluster works on at a time."""
    with _client(address) as client:
        threads: dict[str, int] = client.nthreads()
        return max(1, sum(threads.values()))


def _client(address: str) -> Any:
    """Return what is connected to a scheduler.

    Raises
    ------
    StoreError
        If there is none, or Dask is not installed.

    """
    try:
        from dask.distributed import Client  # noqa: PLC0415  an optional package
    except ImportError as error:
        raise StoreError(f"Dask is not installed: {install_command('dask')}") from error
    try:
        return Client(address, timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        raise StoreError(f"there is no Dask scheduler at {address}: {error}") from error
