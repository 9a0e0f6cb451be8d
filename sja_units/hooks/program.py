"""The end of a program that has no worker beside it."""

import time

from sja_units.hooks.processes import find_own_group, list_others, signal_others

STOP_SECONDS = 30  # the default of `stop_timeout`; a program with another one has a worker

_POLL_SECONDS = 0.05
_SIGTERM, _SIGCONT, _SIGKILL = 15, 18, 9  # the same on all that Debian runs on


def end_program(unit: str) -> None:
    """End every process of the unit but this one: systemd itself would tell the first alone."""
    group = find_own_group(unit)
    signal_others(group, _SIGTERM)
    signal_others(group, _SIGCONT)  # one that is stopped would not hear it
    ends_by = time.monotonic() + STOP_SECONDS
    while list_others(group):
        if time.monotonic() >= ends_by:
            print(f"<4>it did not end within {STOP_SECONDS} s: killed", flush=True)
            signal_others(group, _SIGKILL)
            return
        time.sleep(_POLL_SECONDS)
