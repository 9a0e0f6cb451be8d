"""The markers that hooks and sjactl leave: what is wanted, what is done, what is tried next."""

import os
import time

from sja_units.job import RUN_ROOT, STATE_ROOT, Job

COMPLETED = "completed="


def is_wanted(unit: str) -> bool:
    """Tell whether a unit's last order was to start."""
    return os.path.lexists(f"{STATE_ROOT}/wanted/{unit}")


def list_wanted_units(among: set[str] | None = None) -> set[str]:
    """Return the units whose last order was to start; among: those that are asked for."""
    return list_units(f"{STATE_ROOT}/wanted", among)


def read_completed(among: set[str] | None = None) -> dict[str, str]:
    """Return by unit when a command's last run did its work (RFC 3339, UTC)."""
    found = {}
    for unit in list_units(f"{STATE_ROOT}/runs", among):
        if (text := _read_run(unit)).startswith(COMPLETED):
            found[unit] = text.removeprefix(COMPLETED)
    return found


def was_cut_off(job: Job) -> bool:
    """Tell whether a command's last run was neither completed nor stopped by order."""
    return _read_run(job.unit) == "unfinished"


def _read_run(unit: str) -> str:
    try:
        with open(f"{STATE_ROOT}/runs/{unit}", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def read_next_tries(among: set[str] | None = None) -> dict[str, float]:
    """Return by unit the time (Unix seconds) of the next try, for units that failed."""
    dues = {}
    # The hooks count from the boot: the clock may be set at any moment.
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    for unit in list_units(f"{RUN_ROOT}/backoff", among):
        try:
            with open(f"{RUN_ROOT}/backoff/{unit}", encoding="ascii") as file:
                dues[unit] = float(file.read().split()[1]) + booted
        except (OSError, ValueError, IndexError):
            continue  # gone or half written: the next look sees it
    return dues


def list_units(folder: str, among: set[str] | None = None) -> set[str]:
    """Return the units that have a file in a folder; among: those that are asked for."""
    if among is not None:
        return {unit for unit in among if os.path.lexists(f"{folder}/{unit}")}
    try:
        return {name for name in os.listdir(folder) if name.startswith("sja-")}
    except FileNotFoundError:
        return set()
