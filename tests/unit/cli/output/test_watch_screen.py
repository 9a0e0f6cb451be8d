import re
from typing import Any

import click
import pytest

from sja_units.cli.output import watch_screen
from sja_units.cli.output.format import lay_out_table
from sja_units.cli.output.text_width import measure
from sja_units.job import Job
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import STATES
from tests.unit.statuses import make_status

LONG = "0/1 device healthy · press1: 连接被拒绝，" * 5


def make_views(count: int, **changes: Any) -> list[JobStatus]:
    views = []
    for i in range(count):
        job = Job("acquisition", f"line{i}")
        view = make_status(
            STATES[i % len(STATES)], job=job, title="海天注塑机" * (i % 4), status=LONG
        )
        views.append(view._replace(**changes))
    return views


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
@pytest.mark.parametrize("name", ["a", "a" * 23])
def test_no_line_is_wider_than_the_terminal(columns: int, name: str) -> None:
    views = make_views(10, job=Job("acquisition", name))
    for line in lay_out_table(views, columns):
        assert measure(click.unstyle(line)) <= columns
    for line in watch_screen.draw(views, "host", 0, columns, 24):
        assert measure(click.unstyle(line)) <= columns


@pytest.mark.parametrize("columns", [40, 80, None])
def test_states_stand_below_each_other(columns: int | None) -> None:
    head, *rows = (click.unstyle(line) for line in lay_out_table(make_views(10), columns))
    place = measure(head[: head.index("STATE")])
    for state, row in zip(STATES, rows, strict=True):
        before, *_ = re.split(rf"\b{state}\b", row, maxsplit=1)
        assert before != row
        assert measure(before) == place


def test_piped_output_is_whole() -> None:
    assert all(LONG.rstrip() in line for line in lay_out_table(make_views(3), None)[1:])


def test_what_plays_with_the_terminal_is_not_shown() -> None:
    evil = "\x1b[2Ja\nb\u202ec\u0000"
    lines = lay_out_table(make_views(1, title=evil, status=evil), None)
    shown = click.unstyle("".join(lines))
    assert shown.isprintable()


@pytest.mark.parametrize("lines", [3, 4, 10, 24, 50])
def test_a_screen_has_its_lines_and_tells_what_is_hidden(lines: int) -> None:
    views = watch_screen.sort_by_need(make_views(30))
    screen = [click.unstyle(line) for line in watch_screen.draw(views, "host", 0, 80, lines)]
    assert len(screen) == lines
    assert "30 jobs" in screen[0]
    assert "3 failed" in screen[0]
    assert ("of 30" in screen[-1]) is (lines < 33)


def test_those_that_need_a_person_come_first() -> None:
    states = [view.state for view in watch_screen.sort_by_need(make_views(20))]
    assert states[:4] == ["failed", "failed", "down", "down"]
    assert states[-1] == "stopped"


def test_scrolling_stays_within_the_jobs() -> None:
    assert watch_screen.scroll(0, ["up"], 30, 13) == 0
    assert watch_screen.scroll(0, ["down", "page down"], 30, 13) == 11
    assert watch_screen.scroll(0, ["end"], 30, 13) == 20
    assert watch_screen.scroll(25, [], 30, 13) == 25
    assert watch_screen.scroll(20, ["page up", "home", "up"], 30, 13) == 0
    assert watch_screen.scroll(0, ["end"], 3, 13) == 0


def test_a_change_is_one_line() -> None:
    (view,) = make_views(1)
    well = view._replace(state="running", status="all\nwell", pid=1)
    failed = view._replace(state="failed", status="ended", pid=None)

    def tell(old: JobStatus | None, new: JobStatus | None) -> str:
        return click.unstyle(watch_screen.tell_change(old, new))

    assert tell(well, well) == ""
    assert tell(None, well) == "acquisition/line0  - -> running  all·well"
    assert tell(well, failed) == "acquisition/line0  running -> failed  ended"
    assert tell(failed, None) == "acquisition/line0  failed -> -"
    assert "restarted" in tell(well, well._replace(pid=2))
    assert "slow" in tell(well, well._replace(status="slow"))
