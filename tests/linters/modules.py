"""The modules of the package, and what each imports, as their text has it."""

import ast
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.linters.test_linters import CHECKOUT

PACKAGE = "sja_units"


class Import(NamedTuple):
    """One module needs another; both without the package's own name."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported or PACKAGE}"


@cache
def list_modules() -> dict[str, ast.Module]:
    root = CHECKOUT / PACKAGE
    found = {}
    for path in root.rglob("*.py"):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found[name.removesuffix("__init__").rstrip(".")] = ast.parse(path.read_text(), str(path))
    return found


def resolve(name: str) -> str:
    """Return the module that a dotted name below the package means, or is defined in."""
    while name not in list_modules():
        name = name.rpartition(".")[0]
    return name


@cache
def list_imports() -> list[Import]:
    """Return all imports of our own modules, those in functions and for types too."""
    return [
        Import(module, resolve(name.removeprefix(PACKAGE).lstrip(".")), line)
        for module, tree in list_modules().items()
        for name, line in find_imported(tree)
        if name.partition(".")[0] == PACKAGE
    ]


def find_imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "an import that names no place"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
