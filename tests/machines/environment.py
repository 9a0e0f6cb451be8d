"""The Python that runs the tests; `python3 -m tests.machines.environment` tells its path."""

import platform
import sys
from pathlib import Path

from tests.machines.cache import build_once, digest
from tests.machines.process import run_tool
from tests.machines.trees import say
from tests.machines.wheels import read_project


def find_python() -> Path:
    """Return a Python of the host's version with all that the project and its tests import."""
    project = read_project()["project"]
    needed: list[str] = project["dependencies"] + project["optional-dependencies"]["test"]

    def build(new: Path) -> None:
        say("making a virtual environment for the tests, once ...")
        run_tool(["/usr/bin/python3", "-m", "venv", str(new)], "making a virtual environment")
        pip = [str(new / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        run_tool([*pip, "install", "--use-pep517", *needed], "installing what the tests import")

    return build_once("venv", digest(platform.python_version(), *needed), build) / "bin/python"


if __name__ == "__main__":
    sys.stdout.write(f"{find_python()}\n")
