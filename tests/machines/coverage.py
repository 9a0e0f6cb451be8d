"""Coverage of what runs in booted machines, where tests/run names a folder for it."""

import os
from pathlib import Path

from tests.machines.cache import build_once, digest
from tests.machines.trees import PYTHONS
from tests.machines.wheels import install, read_project

# Seen in the machine; all that runs there may write to it, whoever it is.
PLACE = "/coverage"
_LIBRARY = "usr/local/lib/coverage"
# Where every Python of the machine looks at its start; only the product's own is measured. What it
# gives to its children must be what it gives to them elsewhere.
_START = f"""
import os, sys
if sys.prefix == "/opt/sja-units" and os.path.isdir("{PLACE}"):
    sys.path.append("/{_LIBRARY}")
    os.environ["COVERAGE_PROCESS_START"] = "/{_LIBRARY}/config"
    import coverage
    coverage.process_startup()
    del os.environ["COVERAGE_PROCESS_START"], sys.path[-1]
"""
_CONFIG = f"""
[run]
source_pkgs = sja_units
parallel = true
patch = _exit, fork
data_file = {PLACE}/tests
"""
# A job sees the machine read-only.
_DROP_IN = f"[Service]\nReadWritePaths=-{PLACE}\n"


def find_folder() -> Path | None:
    """Return the folder that takes what is measured; None where nothing is to be."""
    name = os.environ.get("SJA_COVERAGE")
    return Path(name) if name else None


def make_layer(suite: str) -> Path:
    """Return a folder to lay below a tree: the product's Python is measured there."""
    version = PYTHONS[suite]
    (needed,) = [
        line
        for line in read_project()["project"]["optional-dependencies"]["test"]
        if line.startswith("coverage")
    ]
    texts = {
        f"etc/python{version}/sitecustomize.py": _START,
        f"{_LIBRARY}/config": _CONFIG,
        "usr/lib/systemd/system/sja-.service.d/90-coverage.conf": _DROP_IN,
    }

    def build(new: Path) -> None:
        install(new / _LIBRARY, [needed], "fetching coverage for the machines", python=version)
        for name, text in texts.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_text(text)

    return build_once("coverage", digest(version, needed, *texts.values()), build)
