"""A field whose type the database knows otherwise: it is parked, all else is written."""

import os

import pytest

from sja_units.acquisition.influxdb.dead_letter import RESEND_FILES, parse_parked
from sja_units.acquisition.influxdb.refusals import Refusal
from tests.unit.acquisition.database import Answer, Database
from tests.unit.acquisition.sending import Run, Running
from tests.unit.acquisition.typed import DIALECTS, Dialect, know_types
from tests.waiting import wait_for


def put_wide(one: Running, numbers: range, t: str, u: str = "{}.5") -> None:
    """Put lines of ten fields, of which `t` and `u` look like that."""
    rest = ",".join(f"p{i}={i}.5" for i in range(8))
    lines = [f"m t={t.format(n)},{rest},u={u.format(n)} {n + 1}\n" for n in numbers]
    one.spool.put("".join(lines).encode(), len(lines), numbers[0] + 1)


def parked_in(one: Running) -> list[str]:
    return [parked.line.decode() for parked in parse_parked(one.dead_letter.read_bytes())]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("lines", [1, 50])
def test_the_good_fields_of_a_line_are_written(
    run: Run, database: Database, dialect: Dialect, lines: int
) -> None:
    """`scale = 0.1` on a point that was written as integer has parked every line as a whole."""
    database.rule = know_types(database, dialect, {"t": "integer"})
    one = run(database.url)
    put_wide(one, range(lines), "{}.5")
    one.wait_until_sent()
    assert database.column("t") == []
    assert database.column("u") == [n + 0.5 for n in range(lines)]
    assert database.column("p3") == [3.5] * lines
    assert parked_in(one) == [f"m t={n}.5 {n + 1}" for n in range(lines)]
    assert one.sink.dead_letter.parked == lines
    (refusal,) = one.sink.recent_refusals.list()
    assert refusal[:2] == ("m", "t")
    if dialect != "anonymous":
        assert "t" in refusal.reason
        assert "integer" in refusal.reason


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_field_that_is_known_to_be_refused_costs_no_more_requests(
    run: Run, database: Database, dialect: Dialect
) -> None:
    database.rule = know_types(database, dialect, {"t": "integer", "u": "string"})
    one = run(database.url)
    put_wide(one, range(10), "{}.5")
    one.wait_until_sent()
    before = len(database.requests)
    assert before < 60
    for number in range(10, 20):
        put_wide(one, range(number, number + 1), "{}.5")
        one.wait_until_sent()
    assert len(database.requests) <= before + 10
    assert database.column("p3") == [3.5] * 20
    assert sorted(one.sink.recent_refusals.list())[0][:2] == ("m", "t")
    assert one.sink.dead_letter.parked == len(parked_in(one))
    found = "\n".join(parked_in(one))
    assert all(f"t={n}.5" in found and f"u={n}.5" in found for n in range(20))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_values_of_the_known_type_are_written_though_others_are_refused(
    run: Run, database: Database, dialect: Dialect
) -> None:
    """What waited from before the change of the configuration still fits."""
    database.rule = know_types(database, dialect, {"t": "integer"})
    one = Running(run("http://127.0.0.1:9").dead_letter.parent / "other", database.url)
    put_wide(one, range(5), "{}i")
    put_wide(one, range(5, 10), "{}.5")
    put_wide(one, range(10, 15), "{}i")
    one.sink.start()
    one.wait_until_sent()
    one.close()
    assert database.column("t") == [*range(5), *range(10, 15)]
    assert database.column("p3") == [3.5] * 15


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_was_refused_is_brought_in_once_the_database_is_mended(
    run: Run, database: Database, dialect: Dialect
) -> None:
    types = {"t": "integer"}
    database.rule = know_types(database, dialect, types)
    one = run(database.url)
    put_wide(one, range(20), "{}.5")
    one.wait_until_sent()
    resend = one.dead_letter.with_name(RESEND_FILES[1])
    # Not mended yet: all is refused anew, and nothing is lost.
    os.rename(one.dead_letter, resend)
    wait_for(lambda: not resend.exists(), "the end of a resend")
    wait_for(lambda: one.sink.dead_letter.parked == 20, "all to be parked again")
    assert one.sink.recent_refusals.list()
    del types["t"]
    os.rename(one.dead_letter, resend)
    wait_for(lambda: not resend.exists(), "the end of a resend")
    assert database.column("t") == [n + 0.5 for n in range(20)]
    wait_for(lambda: one.sink.dead_letter.parked == 0, "nothing to be parked")
    assert one.sink.recent_refusals.list() == []
    assert not one.dead_letter.exists()


def test_lines_that_cannot_be_parsed_are_parked_by_themselves(run: Run, database: Database) -> None:
    """InfluxDB 1.6 knows no unsigned integers: it quotes the line, and names no field."""

    def rule(lines: list[str]) -> Answer | None:
        bad = [line for line in lines if "u=7u" in line or "u=8u" in line]
        if not bad:
            return None
        for line in lines:
            if line not in bad:
                database.keep(line)
        said = "\n".join(f"unable to parse '{line}': invalid number" for line in bad)
        return (
            400,
            f'{{"error": "partial write: {said.replace(chr(10), chr(92) + "n")} dropped=0"}}',
        )

    database.rule = rule
    one = run(database.url)
    put_wide(one, range(10), "{}", u="{}u")
    one.wait_until_sent()
    assert database.column("t") == [*range(10)]
    # Others of the field are fine, and are written.
    assert database.column("u") == [n for n in range(10) if n not in (7, 8)]
    assert [line.split(" ")[1] for line in parked_in(one)] == ["u=7u", "u=8u"]
    assert one.sink.recent_refusals.list() == [
        Refusal("m", "u", "400: unable to parse: invalid number")
    ]


def test_a_line_that_is_refused_for_its_time_stays_whole_and_spoils_no_other(
    run: Run, database: Database
) -> None:
    def rule(lines: list[str]) -> Answer | None:
        good = [line for line in lines if not line.endswith(" 3")]
        for line in good:
            database.keep(line)
        return (204, "") if good == lines else (400, '{"error": "time out of range"}')

    database.rule = rule
    one = run(database.url)
    put_wide(one, range(20), "{}")
    one.wait_until_sent()
    assert database.column("t") == [n for n in range(20) if n != 2]
    (line,) = parked_in(one)
    assert line.startswith("m t=2,")
    assert line.endswith(" 3")
    put_wide(one, range(20, 25), "{}")
    one.wait_until_sent()
    assert database.column("p3") == [3.5] * 24


@pytest.mark.slow
@pytest.mark.parametrize(("lines", "refusals"), [(1, 3), (3000, 14)])
def test_a_spell_of_413_parks_nothing_and_requests_grow_again(
    run: Run, database: Database, lines: int, refusals: int
) -> None:
    answers: list[Answer] = [(413, "")] * refusals

    def rule(_lines: list[str]) -> Answer | None:
        return answers.pop() if answers else None

    database.rule = rule
    one = run(database.url)
    one.put(0, lines=lines)
    wait_for(lambda: one.sink.sender.state == "error", "a state that says so")
    one.wait_until_sent()
    assert one.sink.dead_letter.parked == 0
    for start in range(10_000, 60_000, 5000):
        one.put(start, lines=5000)
    one.wait_until_sent()
    assert max(database.sizes[-3:]) == 5000
    assert len(database.column("v")) == lines + 50_000
    assert one.sink.dead_letter.parked == 0


@pytest.mark.slow
def test_a_limit_that_stays_is_met_again_more_and_more_rarely(run: Run, database: Database) -> None:
    database.rule = lambda lines: (413, "") if len(lines) > 700 else None
    one = run(database.url)
    for start in range(0, 100_000, 5000):
        one.put(start, lines=5000)
    one.wait_until_sent()
    assert len(database.column("v")) == 100_000
    too_large = [size for size in database.sizes if size > 700]
    assert len(too_large) < len(database.sizes) / 8
