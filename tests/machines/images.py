"""Machines ready to boot: bare, or with sja-units freshly installed by install.sh."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.machines import coverage
from tests.machines.cache import build_once, digest, digest_files
from tests.machines.machine import Machine
from tests.machines.trees import say, shells, tree
from tests.machines.wheels import CHECKOUT, peers, wheels


def bare_machine(
    suite: str,
    name: str = "bare",
    kept: Path | None = None,
    binds: Mapping[str, Path] | None = None,
) -> Machine:
    """Return a machine with nothing installed.

    It sees the checkout at /src, wheels for install.sh at /wheels, and at /peers what the
    tests' counterparts import (for PYTHONPATH, together with /src); and what `binds` says.
    """
    return _make_machine([tree(suite)], suite, name, kept, binds)


def installed_machine(suite: str, name: str = "installed") -> Machine:
    """Return a machine as `install.sh --wheels` leaves it, its journal empty.

    The installation runs once for each state of the checkout, and is shared by all machines.
    """
    return _make_machine([installation(suite) / "upper", tree(suite)], suite, name)


def machine_with_shells(suite: str) -> Machine:
    """Return such a machine that has zsh, fish and bash-completion as well."""
    layers = [installation(suite) / "upper", tree(suite), shells(suite)]
    return _make_machine(layers, suite, "shells")


def installation(suite: str) -> Path:
    """Return a folder whose `upper` is the layer that install.sh adds to this suite's tree."""
    installer = CHECKOUT / "install.sh"
    folders = (CHECKOUT / "units", CHECKOUT / "docs/man")
    files = [installer, *(p for folder in folders for p in folder.rglob("*") if p.is_file())]

    def build(new: Path) -> None:
        say(f"installing sja-units on Debian {suite}, once for this state of the checkout ...")
        with bare_machine(suite, kept=new) as machine:
            machine.boot()
            machine.run("/src/install.sh", "--wheels", "/wheels", timeout=600)
            machine.poweroff()
        shutil.rmtree(new / "work")
        shutil.rmtree(new / "upper/var/log/journal", ignore_errors=True)

    key = digest(tree(suite).name, wheels().name, digest_files(CHECKOUT, files))
    return build_once(f"installed-{suite}", key, build)


def _make_machine(
    layers: list[Path],
    suite: str,
    name: str,
    kept: Path | None = None,
    more: Mapping[str, Path] | None = None,
) -> Machine:
    binds = {"/src": CHECKOUT, "/wheels": wheels(), "/peers": peers(), **(more or {})}
    measured = coverage.find_folder()
    if measured:
        layers = [coverage.make_layer(suite), *layers]
    shared = {coverage.PLACE: measured} if measured else {}
    return Machine(layers, name=name, binds=binds, shared=shared, kept=kept)
