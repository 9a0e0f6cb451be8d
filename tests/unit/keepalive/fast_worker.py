"""The worker, but with an interval that no file may ask for: tests need not wait for seconds."""

import sys

from sja_units import worker
from sja_units.keepalive import loop
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.runtime.service import Runtime

INTERVAL = 0.2
_run = loop.run


def run_fast(config: KeepaliveConfig, runtime: Runtime) -> None:
    _run(config._replace(interval=INTERVAL), runtime)


loop.run = run_fast
sys.exit(worker.main(sys.argv[1:]))
