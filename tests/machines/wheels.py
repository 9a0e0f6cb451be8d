"""A folder of wheels from which install.sh works with no network."""

import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from tests.machines.cache import build_once, digest, digest_files
from tests.machines.process import LabError, run_tool
from tests.machines.trees import PYTHONS, say

CHECKOUT = Path(__file__).resolve().parents[2]
_SITES = ("Django", "httpbin", "fastapi", "uvicorn", "httpx", "requests", "gunicorn")


def wheels() -> Path:
    """Return a folder with a wheel of this checkout and of all it needs to be built and to run.

    It serves every Python that the project supports.
    """
    dependencies = _dependency_wheels()
    files = [CHECKOUT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    files += [path for path in (CHECKOUT / "sja_units").rglob("*") if _is_source(path)]

    def build(new: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            for path in files:
                copy = Path(scratch) / path.relative_to(CHECKOUT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
            offline = ["--no-index", "--find-links", str(dependencies), "--no-deps"]
            _pip(["wheel", *offline, "--wheel-dir", str(new), scratch], "building our own wheel")
        for wheel in dependencies.iterdir():
            shutil.copy(wheel, new)

    return build_once("wheels", digest(dependencies.name, digest_files(CHECKOUT, files)), build)


def peers() -> Path:
    """Return a folder for PYTHONPATH with the packages that the tests' counterparts import."""
    extra: list[str] = read_project()["project"]["optional-dependencies"]["test"]
    needed = [line for line in extra if line.startswith(("pyModbusTCP", "modbus_tk"))]
    sites = [line for line in extra if line.startswith(_SITES)]
    python = PYTHONS["bookworm"]

    def build(new: Path) -> None:
        what = "fetching what the counterparts import"
        install(new, needed, what)
        # Partly compiled: for the machines' Python, which may not be the host's.
        install(new, sites, what, python=python)

    return build_once("peers", digest(python, *needed, *sites), build)


def install(new: Path, needed: list[str], what: str, *, python: str = "") -> None:
    """Install into a folder, as wheels for this version of Python where one is named."""
    wheels_only = ["--python-version", python, "--only-binary", ":all:"] if python else []
    _pip(["install", "--target", str(new), *wheels_only, *needed], what)


def locked_index() -> Path:
    """Return a folder that is a package index, with the files that requirements.lock names."""
    lock = CHECKOUT / "requirements.lock"

    def build(new: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            words = ["download", "--no-deps", "--require-hashes", "--dest", scratch]
            _pip([*words, "--requirement", str(lock)], "fetching what is locked")
            for file in Path(scratch).iterdir():
                name = file.name.partition("-")[0].lower().replace("_", "-")
                (new / name).mkdir()
                shutil.copy(file, new / name)
                (new / name / "index.html").write_text(f'<a href="{file.name}">{file.name}</a>\n')

    return build_once("index", digest(lock.read_text()), build)


def oldest_pymodbus() -> Path:
    """Return a folder for PYTHONPATH with the oldest pymodbus that pyproject.toml takes."""
    (needed,) = [line for line in read_project()["project"]["dependencies"] if "pymodbus" in line]
    oldest = needed.partition(",")[0].replace(">=", "==") + ".*"

    def build(new: Path) -> None:
        what = "fetching the oldest pymodbus"
        _pip(["install", "--target", str(new), "--no-deps", oldest], what)

    return build_once("pymodbus", digest(oldest), build)


def read_project() -> dict[str, Any]:
    """Return what pyproject.toml says."""
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


def _dependency_wheels() -> Path:
    project = read_project()
    needed: list[str] = project["project"]["dependencies"] + project["build-system"]["requires"]

    def build(new: Path) -> None:
        say("fetching the wheels of the dependencies, once ...")
        # The standard build fetches what a source package needs; the old way wants it here.
        _pip(["wheel", "--use-pep517", "--wheel-dir", str(new), *needed], "fetching dependencies")
        for wheel in new.iterdir():
            if not wheel.name.endswith("-none-any.whl") and "-abi3-" not in wheel.name:
                raise LabError(f"{wheel.name} serves one Python only; machines have several")

    return build_once("dependencies", digest(*needed), build)


def _pip(arguments: list[str], what: str) -> None:
    def build(new: Path) -> None:
        run_tool(["/usr/bin/python3", "-m", "venv", str(new)], "making a virtual environment")

    python = (
        build_once("pip", digest(Path("/usr/bin/python3").resolve().name), build) / "bin/python"
    )
    common = ["--quiet", "--disable-pip-version-check", "--no-input"]
    run_tool([str(python), "-m", "pip", *arguments, *common], what)


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts
