"""Modbus requests a second of one connection, beside other libraries."""

import json
import statistics
from collections.abc import Iterator

from bench.acquisition import REGISTERS, serve
from bench.bed import OTHERS, PYTHON, Bed
from bench.table import Row


def measure(bed: Bed) -> Iterator[Row]:
    """Yield a row for each library; the server is libmodbus's."""
    serve(bed)
    rounds = "3" if bed.is_short else "9"
    words = [PYTHON, "-m", "bench.requests", "1502", rounds]
    rates = json.loads(bed.machine.run(*words, env=OTHERS, timeout=300).stdout)
    for name, found in rates.items():
        ratio = statistics.median(a / b for a, b in zip(found, rates["libmodbus"], strict=True))
        yield Row(
            f"requests/s of {REGISTERS} registers, {name}",
            f"{statistics.median(found):,.0f}",
            ratio,
            "of libmodbus",
            0.70 if name == "ours" else None,
            at_least=True,
        )
