"""Peers and workers that end with their test."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.modbus_device import Device, Registers
from tests.unit.acquisition.database import Database
from tests.unit.acquisition.harness import Worker, free_port
from tests.unit.acquisition.rogue import Reply, Rogue
from tests.unit.acquisition.sending import Run, Running

MakeRogue = Callable[[Reply], Rogue]
MakeDevice = Callable[..., Device]
MakeWorker = Callable[[str], Worker]


@pytest.fixture
def make_device() -> Iterator[MakeDevice]:
    """Gives started devices; options are those of Registers and `units`, `port`."""
    devices: list[Device] = []

    def make(
        illegal: frozenset[int] = frozenset(),
        units: frozenset[int] = frozenset({1}),
        port: int = 0,
        counter: int = 1000,
    ) -> Device:
        registers = Registers(illegal, counter, None)
        device = Device("127.0.0.1", port or free_port(), registers, units)
        device.start()
        devices.append(device)
        return device

    yield make
    for device in devices:
        # It takes half a second until its loop looks; nobody needs to wait for that.
        threading.Thread(target=device.stop).start()


@pytest.fixture
def make_rogue() -> Iterator[MakeRogue]:
    rogues: list[Rogue] = []

    def make(reply: Reply) -> Rogue:
        rogues.append(Rogue(reply))
        return rogues[-1]

    yield make
    for rogue in rogues:
        rogue.close()


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.close()


@pytest.fixture
def make_worker(tmp_path: Path) -> Iterator[MakeWorker]:
    workers: list[Worker] = []

    def make(config: str) -> Worker:
        workers.append(Worker(tmp_path / f"worker{len(workers)}", config))
        return workers[-1]

    yield make
    for worker in workers:
        worker.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts a sink that writes to a URL."""
    running: list[Running] = []

    def start(url: str) -> Running:
        running.append(Running(tmp_path, url))
        running[-1].sink.start()
        return running[-1]

    yield start
    for one in running:
        one.close()
