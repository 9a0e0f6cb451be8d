"""The linters find nothing, in any file that they are for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.test_units import EXPOSURES

CHECKOUT = Path(__file__).resolve().parents[2]
SHEBANGS = (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env sh", b"#!/usr/bin/env bash")
LEFT_OUT = {".git", ".artifacts", "__pycache__", ".mypy_cache", ".ruff_cache", ".venv"}


def run(*argv: str) -> None:
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(argv)}\n{done.stdout}{done.stderr}", pytrace=False)


def find_shell_scripts() -> list[str]:
    found = []
    for path in CHECKOUT.rglob("*"):
        if path.is_file() and not LEFT_OUT.intersection(path.parts):
            with path.open("rb") as file:
                if file.read(40).startswith(SHEBANGS):
                    found.append(str(path.relative_to(CHECKOUT)))
    return sorted(found)


def test_ruff_check() -> None:
    run(sys.executable, "-m", "ruff", "check", ".")


def test_ruff_format() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", ".")


def test_mypy() -> None:
    run(sys.executable, "-m", "mypy", "--strict")


def test_shellcheck() -> None:
    scripts = find_shell_scripts()
    assert {"install.sh", "tests/run", ".ci/run"} <= set(scripts)
    run("shellcheck", "--external-sources", "--source-path=SCRIPTDIR", *scripts)


def test_what_the_readme_shows_is_there() -> None:
    shown = re.findall(r"\]\(([^):]+)\)", (CHECKOUT / "README.md").read_text())
    assert shown
    assert [path for path in shown if not (CHECKOUT / path).is_file()] == []


def test_what_security_promises_is_shown() -> None:
    text = (CHECKOUT / "SECURITY.md").read_text()
    shown = re.findall(r"`(tests/[^`]+)`", text.partition("`tests/run PATH`")[2])
    assert shown
    assert [path for path in shown if not (CHECKOUT / path).is_file()] == []
    told = {unit: float(most) for unit, most in re.findall(r"\| `(sja-\S+)` \| ([\d.]+) \|", text)}
    assert told == {unit.replace("@x.", "@."): most for unit, most in EXPOSURES.items()}


def test_what_the_architecture_names_is_there() -> None:
    text = (CHECKOUT / "docs/architecture.md").read_text()
    files = {str(path.relative_to(CHECKOUT)) for path in CHECKOUT.rglob("*.py")}
    named = re.findall(r"`([a-z_/]+\.py)`", text)
    assert named
    assert [
        name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in files)
    ] == []
