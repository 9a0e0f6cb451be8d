"""Imports go down the floors of the house, never up or round in a circle."""

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.linters.modules import PACKAGE, list_imports, list_modules

# From the roof down: what stands on a floor may import what stands below it, and beside it where
# that makes no circle. A part of a package may stand lower than the rest.
FLOORS = (
    {"cli", "worker", "client", "cookies"},
    {"api"},
    {"doctor", "actions", "backup", "alerts", "importers"},
    {"jobs", "api.fill", "api.grants", "api.policy", "api.templates"},
    {"config"},
    {"kinds"},
    {"keepalive", "command", "acquisition"},
    {"systemd", "runtime"},
    {
        *("toml", "fs", "hooks", "job", "errors", "exit_status", "openmetrics"),
        *("times", "url", "text", ""),
    },
)
ENTRIES = set().union(*FLOORS)
# What the package names for programs, and loads when they name it.
NAMED = ("", "client")


def find_entry(module: str) -> str:
    """Return what a module belongs to: the longest name of FLOORS that fits."""
    while module not in ENTRIES:
        module, _, last = module.rpartition(".")
        assert module, f"{last} has no floor"
    return module


def find_floor(module: str) -> int:
    entry = find_entry(module)
    return next(number for number, floor in enumerate(FLOORS) if entry in floor)


def test_every_module_has_its_floor() -> None:
    assert {find_entry(module) for module in list_modules()} == ENTRIES


def test_no_import_goes_up() -> None:
    imports = [each for each in list_imports() if each[:2] != NAMED]
    up = [each for each in imports if find_floor(each.importer) > find_floor(each.imported)]
    assert not up, "\n".join(map(str, up))


def test_kinds_know_nothing_of_each_other() -> None:
    (kinds,) = (floor for floor in FLOORS if "keepalive" in floor)
    for each in list_imports():
        ends = {find_entry(name) for name in each[:2]}
        assert not (len(ends) == 2 and ends <= kinds), each


def list_packages() -> list[str]:
    return sorted({name.rpartition(".")[0] for name in list_modules()})


@pytest.mark.parametrize("package", list_packages(), ids=lambda name: name or PACKAGE)
def test_what_lies_in_a_folder_has_no_circle(package: str) -> None:
    """Files and folders are each one thing here, with all that is in them."""
    prefix = f"{package}." if package else ""
    graph: dict[str, set[str]] = {}
    for each in (each for each in list_imports() if each[:2] != NAMED):
        if each.importer.startswith(prefix) and each.imported.startswith(prefix):
            ends = [name.removeprefix(prefix).partition(".")[0] for name in each[:2]]
            if not package:
                ends = [find_entry(name) for name in each[:2]]
            if ends[0] != ends[1]:
                graph.setdefault(ends[0], set()).add(ends[1])
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]), pytrace=False)
