"""requirements.lock fits pyproject.toml, and names the hashes of all that it names."""

import re
import tomllib

from packaging.requirements import Requirement

from tests.linters.test_linters import CHECKOUT


def read_lock() -> dict[str, tuple[str, int]]:
    """Return by name the version and how many hashes there are."""
    text = (CHECKOUT / "requirements.lock").read_text()
    entries = re.findall(
        r"^([a-z0-9-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", text, re.M
    )
    return {name: (version, hashes.count("--hash")) for name, version, hashes in entries}


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    needed = project["project"]["dependencies"] + project["build-system"]["requires"]
    lock = read_lock()
    for requirement in map(Requirement, needed):
        name = requirement.name.lower().replace("_", "-")
        assert name in lock
        assert requirement.specifier.contains(lock[name][0]), name
    names = {
        line.partition("==")[0]
        for line in (CHECKOUT / "requirements.lock").read_text().splitlines()
        if "==" in line
    }
    assert names == lock.keys()  # none without a hash
