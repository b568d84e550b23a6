"""A campaign on a real cluster, one of whose two workers is killed midway."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from fake_chunks import PLAN, ask

distributed: Any = pytest.importorskip("distributed")

from nn_from_scratch.verify.store import dask  # noqa: E402
from nn_from_scratch.verify.store.asking import Found, Request  # noqa: E402
from nn_from_scratch.verify.store.export import results_of  # noqa: E402
from nn_from_scratch.verify.store.running import Campaign  # noqa: E402
from nn_from_scratch.verify.store.store import Store, StoreError  # noqa: E402

pytestmark = [pytest.mark.once, pytest.mark.filterwarnings("default")]
GRAPHS = 600


def exported(path: Path, campaign_of: Any) -> str:
    with Store(path) as store:
        store.begin(PLAN, GRAPHS)
        campaign_of(store)
        return json.dumps(results_of(store, PLAN, GRAPHS))


def slowly(request: Request) -> Found:
    time.sleep(0.03)
    return ask(request)


def test_totals_are_the_same_though_a_worker_is_killed(tmp_path: Path) -> None:
    def here(store: Store) -> None:
        Campaign(store, PLAN, GRAPHS, 1, ask=ask).run(lambda: ThreadPoolExecutor(1))

    killed: list[int] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        address = cluster.scheduler_address
        workers = [nanny.process.process.pid for nanny in cluster.workers.values()]
        assert dask.workers_of(address) == len(workers) == 2

        def kill(progress: Any) -> None:
            if progress.done >= GRAPHS // 3 and not killed:
                killed.append(workers[0])
                psutil.Process(workers[0]).kill()

        def there(store: Store) -> None:
            campaign = Campaign(store, PLAN, GRAPHS, 2, ask=slowly, progress=kill)
            campaign.run(dask.cluster(address))

        found = exported(tmp_path / "there.db", there)
    assert killed
    assert found == exported(tmp_path / "here.db", here)


def test_a_scheduler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "_PATIENCE", 0.3)
    with (
        pytest.raises(StoreError, match="there is no Dask scheduler at tcp"),
        dask.cluster("tcp://127.0.0.1:9")(),
    ):
        pass
    with pytest.raises(StoreError, match="there is no Dask scheduler at nonsense"):
        dask.workers_of("nonsense")
