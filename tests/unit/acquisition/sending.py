"""A spool and the sink that empties it."""

import time
from collections.abc import Callable
from pathlib import Path

from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.influxdb.client import Uploader
from sja_units.acquisition.influxdb.dead_letter import DeadLetter
from sja_units.acquisition.influxdb.sink import Sink
from sja_units.acquisition.sink_config import SinkConfig
from sja_units.acquisition.spool.writer import Spool
from tests.waiting import PATIENCE, wait_for


class Running:
    """A spool and its sink."""

    def __init__(self, folder: Path, url: str, ca_file: str = "") -> None:
        self.dead_letter = folder / "dead-letter.lp"
        self.spool = Spool(str(folder / "spool"), SpoolConfig(2**28, 86400.0))
        uploader = Uploader(SinkConfig("influxdb", "wide", url, "edge", ca_file=ca_file))
        self.sink = Sink(self.spool.reader, uploader, DeadLetter(str(folder)))

    def put(self, *numbers: int, lines: int = 1) -> None:
        for number in numbers:
            values = range(number, number + lines)
            body = "".join(f"m v={value}i {value + 1}\n" for value in values)
            self.spool.put(body.encode(), lines, number + 1)

    def wait_until_sent(self) -> None:
        wait_for(lambda: self.spool.state().batches == 0, "an empty spool")

    def close(self) -> None:
        self.sink.stop(time.monotonic())
        if self.sink.is_alive():
            self.sink.join(PATIENCE)
        assert self.sink.failure is None
        self.spool.close()


Run = Callable[[str], Running]
