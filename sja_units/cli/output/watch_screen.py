"""What `sjactl watch` shows: whole screens, or a line for each change. Pure, but for ages."""

from collections import Counter
from collections.abc import Iterable, Sequence

import click

from sja_units.cli.output import format as render
from sja_units.cli.output.text_width import fit
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import is_active

# Those that need a person come first.
_RANKS = (
    "failed",
    "down",
    "unconfigured",
    "restarting",
    "degraded",
    "stopping",
    "starting",
    "running",
    "completed",
    "stopped",
)


def sort_by_need(views: Iterable[JobStatus]) -> list[JobStatus]:
    """Return the jobs, those first that need a person."""
    return sorted(views, key=lambda view: (_RANKS.index(view.state), view.job))


def _count_room(lines: int) -> int:
    """Return how many jobs a screen of so many lines shows."""
    return max(1, lines - 3)


def scroll(first: int, keys: Iterable[str], count: int, lines: int) -> int:
    """Return which of so many jobs is the first on the screen after some keys were pressed."""
    room = _count_room(lines)
    steps = {"up": -1, "down": 1, "page up": -room, "page down": room, "home": -count, "end": count}
    for key in keys:
        first = max(0, min(first + steps.get(key, 0), count - room))
    return first


def draw(views: Sequence[JobStatus], host: str, first: int, columns: int, lines: int) -> list[str]:
    """Return a screen: how many jobs are how, the jobs from the `first` on, and a hint."""
    first = scroll(first, [""], len(views), lines)
    table = render.lay_out_table(views, columns)
    shown = table[1:][first : first + _count_room(lines)]
    counts = Counter[str](view.state for view in views)
    words = ", ".join(f"{counts[state]} {state}" for state in _RANKS if counts[state])
    head = f"{host} · {len(views)} job{'s' * (len(views) != 1)}{': ' * bool(words)}{words}"
    hint = "q quits"
    if len(shown) < len(views):
        hint += f" · {first + 1}-{first + len(shown)} of {len(views)} · ↑ ↓ PgUp PgDn"
    picture = [click.style(fit(head, columns).rstrip(), bold=True), table[0], *shown]
    picture += [""] * (lines - 1 - len(picture))
    return [*picture[: max(1, lines - 1)], fit(hint, columns).rstrip()]


def tell_change(old: JobStatus | None, new: JobStatus | None) -> str:
    """Return a line on what became of a job, "" where nothing did.

    None stands for a job that is not there.
    """
    if old is not None and new is not None:
        restarted = is_active(old.state) and is_active(new.state) and old.pid != new.pid
        if (old.state, old.status) == (new.state, new.status) and not restarted:
            return ""
        said = " · ".join(filter(None, ["restarted" * restarted, new.status]))
    else:
        said = new.status if new else ""
    view = new or old
    assert view is not None
    states = [v.state if v else "-" for v in (old, new)]
    painted = " -> ".join(render.paint_state(state) for state in states)
    return f"{view.job}  {painted}  {render.clean(said)}".rstrip()
