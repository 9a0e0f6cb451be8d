"""`python3 -m docs.demo FIRST-STEP [--keep]`: what run.sh runs once all is at hand."""

import contextlib
import shlex
import signal
import sys
import time

from docs.demo.screen import Screen
from docs.demo.story import NotBack, Story
from tests.machines.cache import lab
from tests.machines.images import bare_machine
from tests.machines.machine import Machine
from tests.machines.process import LabError


def main() -> int:
    """Give the demo; return its exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    screen = Screen(int(sys.argv[1]))
    keep = "--keep" in sys.argv[2:]
    try:
        with bare_machine("bookworm", "demo") as machine:
            status = run(machine, screen)
            if keep and machine.is_on:
                tell_entrance(machine, screen)
                machine.keep()
    except KeyboardInterrupt:
        print("\nstopped; the machine is gone", flush=True)
        return 130
    except LabError as error:
        screen.failed(str(error))
        return 1
    return status


def run(machine: Machine, screen: Screen) -> int:
    """Tell the story; return the demo's exit status, with the reason printed."""
    began = time.monotonic()
    try:
        Story(machine, screen).tell()
    except (NotBack, LabError) as error:
        screen.failed(str(error))
        with contextlib.suppress(LabError):
            log = machine.save_journal(lab() / "demo", "failed")
            screen.output(f"the machine's journal: {log}")
        return 1
    screen.step(f"Everything came back; {time.monotonic() - began:.0f} s for all of this")
    return 0


def tell_entrance(machine: Machine, screen: Screen) -> None:
    """Print how the machine that stays is entered and ended."""
    enter = shlex.join(machine.entrance)
    screen.say("The machine stays on. As root, this enters it, and ends it:")
    screen.output(f"{enter} bash -l\n{enter} systemctl poweroff")


if __name__ == "__main__":
    sys.exit(main())
