from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.unit.keepalive.harness import RunningSite, Worker, running_site


@pytest.fixture
def site() -> Iterator[RunningSite]:
    with running_site() as running:
        yield running


@pytest.fixture
def make_worker(tmp_path: Path) -> Iterator[Callable[[str], Worker]]:
    """Return a maker of the worker for a page."""
    with ExitStack() as stack:

        def make(url: str, more: str = "", interval: str = "1s") -> Worker:
            config = f'url = "{url}"\ninterval = "{interval}"\n{more}'
            worker = Worker(tmp_path, config)
            stack.callback(worker.close)
            return worker

        yield make
