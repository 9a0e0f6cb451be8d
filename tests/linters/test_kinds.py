"""One place knows the kinds of job: nothing else asks of which kind something is."""

import ast
from collections.abc import Iterator

from sja_units.job import KINDS
from tests.linters.modules import list_modules

KNOWS_ALL = "kinds"
SETTINGS = {"AcquisitionConfig", "CommandConfig", "KeepaliveConfig"}
# What else is called so, in a channel of alerts for instance, is compared by that name.
COMMAND = "command"


def find_names(node: ast.AST) -> set[str]:
    return {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Name | ast.Attribute)
    }


def find_texts(node: ast.AST) -> set[str]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def asks_for_a_kind(node: ast.AST) -> bool:
    """Return whether what is done hangs on a kind's name, or on the type of its settings."""
    match node:
        case ast.Call(func=ast.Name("isinstance"), args=[_, wanted]):
            return bool(find_names(wanted) & SETTINGS)
        case ast.Compare():
            sides = [node.left, *node.comparators]
            texts = set().union(*(find_texts(side) for side in sides)) & set(KINDS)
            return bool(texts - {COMMAND}) or bool(texts and "kind" in find_names(node))
        case ast.MatchValue() | ast.MatchClass():
            return bool(find_texts(node) & set(KINDS) or find_names(node) & SETTINGS)
        case ast.Dict(keys=keys):
            return len({text for key in keys if key for text in find_texts(key)} & set(KINDS)) > 1
    return False


def list_questions() -> Iterator[tuple[str, int, str]]:
    for module, tree in list_modules().items():
        for node in ast.walk(tree):
            if asks_for_a_kind(node):
                yield module, getattr(node, "lineno", 0), ast.unparse(node)


def test_one_place_alone_asks_for_a_kind() -> None:
    questions = list(list_questions())
    assert {module for module, _, _ in questions} >= {KNOWS_ALL}  # the search finds what there is
    others = [f"{module}:{line}: {text}" for module, line, text in questions if module != KNOWS_ALL]
    assert not others, "\n".join(others)


def test_each_kind_is_a_package() -> None:
    """A fourth one is a folder with a `kind.py`, and a word in the list."""
    packages = {module.partition(".")[0] for module in list_modules() if module.endswith(".kind")}
    assert packages == set(KINDS)
