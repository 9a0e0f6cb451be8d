"""How ages read, whatever a worker says of itself."""

import click
import pytest

from sja_units.cli.output import format as render
from tests.unit.statuses import make_status


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "x", "", None])
def test_a_moment_that_is_none_breaks_no_list(moment: str | None) -> None:
    _, row = render.lay_out_table([make_status("running", since=moment)], None)
    assert click.unstyle(row).split()[:2] == ["acquisition/line1", "running"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00", "2026-99-99T99:99:99Z", None])
def test_a_moment_that_is_none_has_no_age(moment: str | None) -> None:
    assert render.show_age(moment) == "-"
