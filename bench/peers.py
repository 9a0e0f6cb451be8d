"""What the product is compared with, fetched once and kept outside the checkout."""

from pathlib import Path

from tests.machines.cache import build_once, digest
from tests.machines.process import run_tool
from tests.machines.trees import PYTHONS, mirrors, say
from tests.machines.wheels import install

_DEBIAN = (
    "collectd-core",
    "monit",
    "nodejs",
    "runit",
    "curl",
    "libmodbus5",
    "libcurl3-gnutls",
    "libyajl2",
)
_NODE = ("pm2@7", "modbus-serial@8")
_PYTHON = (
    "pymodbus>=3.11,<3.17",
    "influxdb-client>=1.40,<2",
    "httpx>=0.27,<1",
    "supervisor>=4.3,<5",
    "circus>=0.19,<1",
    "pyModbusTCP>=0.3,<0.4",
)
_SOURCES = ("sdnotify>=0.3,<1",)  # there is no wheel of it


def debian_layer(suite: str) -> Path:
    """Return a folder to lay over a tree, with the programs of Debian in it."""
    options = ("--variant=extract", "--format=directory")
    hook = "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"

    def build(new: Path) -> None:
        say("fetching collectd, monit, runit and node, once ...")
        command = ["mmdebstrap", *options, hook, f"--include={','.join(_DEBIAN)}"]
        run_tool([*command, suite, str(new), *mirrors(suite)], "fetching Debian's programs")

    return build_once("bench-debian", digest(suite, *_DEBIAN, *options), build)


def node_modules() -> Path:
    """Return a folder with `node_modules` in it."""

    def build(new: Path) -> None:
        say("fetching PM2 and modbus-serial, once ...")
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", str(new)]
        run_tool(["npm", "install", *quiet, *_NODE], "fetching packages of npm")

    return build_once("bench-node", digest(*_NODE), build)


def python_packages(suite: str) -> Path:
    """Return a folder for PYTHONPATH, with packages for the suite's own Python."""

    def build(new: Path) -> None:
        say("fetching supervisor, circus and what scripts import, once ...")
        install(new, list(_SOURCES), "fetching packages of PyPI")
        install(new, list(_PYTHON), "fetching packages of PyPI", python=PYTHONS[suite])

    return build_once("bench-python", digest(PYTHONS[suite], *_SOURCES, *_PYTHON), build)
