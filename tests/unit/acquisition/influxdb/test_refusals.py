"""What a database refuses: lines of a batch, or whatever comes."""

import pytest

from sja_units.acquisition.influxdb.dead_letter import parse_parked
from tests.unit.acquisition.database import Answer, Database
from tests.unit.acquisition.sending import Run
from tests.waiting import wait_for


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "partial write: field type conflict"),
        (422, "partial write: points beyond retention policy"),
        (500, "partial write: field type conflict"),
    ],
)
def test_bad_lines_are_parked_with_the_reason_and_the_rest_goes_on(
    run: Run, database: Database, status: int, reason: str
) -> None:
    """Telegraf #11005, #8571: one bad point blocked all others, or was sent for ever."""

    def rule(lines: list[str]) -> Answer | None:
        bad = any(line.split("=")[1].split("i")[0] in ("3", "700") for line in lines)
        return (status, f'{{"error": "{reason}"}}') if bad else None

    database.rule = rule
    one = run(database.url)
    one.put(0, lines=1000)
    one.put(1000)
    one.wait_until_sent()
    assert database.column("v") == [v for v in range(1001) if v not in (3, 700)]
    assert one.sink.dead_letter.parked == 2
    found = [(item.line, item.reason) for item in parse_parked(one.dead_letter.read_bytes())]
    assert found == [
        (b"m v=3i 4", f"{status}: {reason}"),
        (b"m v=700i 701", f"{status}: {reason}"),
    ]


def test_a_partial_write_is_split_and_nothing_of_it_is_lost(run: Run, database: Database) -> None:
    """InfluxDB 1.x writes what it can and answers 400."""

    def rule(lines: list[str]) -> Answer | None:
        good = [line for line in lines if "v=5i" not in line]
        if good == lines:
            return None
        database.rule = lambda _: None
        if good:
            database.take(good)
        database.rule = rule
        return 400, '{"error": "partial write: field type conflict dropped=1"}'

    database.rule = rule
    one = run(database.url)
    one.put(0, lines=10)
    one.wait_until_sent()
    assert database.column("v") == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert one.sink.dead_letter.parked == 1


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 10])
def test_a_request_that_is_wrong_in_itself_parks_nothing(
    run: Run, database: Database, lines: int
) -> None:
    """A bucket without its organisation: InfluxDB 2 says 400 to all that comes."""
    reason = "Please provide either orgID or org"
    database.rule = lambda _: (400, f'{{"code": "invalid", "message": "{reason}"}}')
    one = run(database.url)
    one.put(0, lines=lines)
    wait_for(
        lambda: one.sink.sender.state in ("error", "refused") and len(database.sizes) > 3, "tries"
    )
    assert (one.sink.sender.state, one.sink.sender.message) == ("refused", f"400: {reason}")
    assert one.sink.dead_letter.parked == 0
    assert one.sink.sender.last_success_ns is None
    assert one.spool.state().lines == lines
    database.rule = lambda _: None
    one.wait_until_sent()
    assert database.column("v") == [*range(lines)]
    assert not one.dead_letter.exists()


def test_a_database_that_cannot_unpack_the_request_parks_nothing(
    run: Run, database: Database
) -> None:
    """It takes what is packed for a line, and says so with a part of it."""
    database.rule = lambda lines: (400, f'{{"error": "unable to parse \'{lines}\': no fields"}}')
    one = run(database.url)
    one.put(0, lines=10)
    wait_for(lambda: one.sink.sender.state == "refused", "a state that says so")
    assert one.sink.dead_letter.parked == 0
    assert one.spool.state().lines == 10


@pytest.mark.slow
@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_server_that_says_the_same_to_all_it_refuses_holds_up_no_good_line(
    run: Run, database: Database, bad: int
) -> None:
    def say(lines: list[str]) -> Answer | None:
        is_bad = not lines or any(f" v={bad}i" in line for line in lines)
        return (400, "Bad Request") if is_bad else None

    database.rule = say
    one = run(database.url)
    one.put(0, lines=3)
    one.wait_until_sent()
    assert database.column("v") == sorted({0, 1, 2} - {bad})
    assert one.sink.dead_letter.parked == 1
    one.put(bad)  # by itself: what that answer means is known by now
    one.wait_until_sent()
    assert one.sink.dead_letter.parked == 2


@pytest.mark.slow
def test_a_bad_line_by_itself_waits_until_another_one_tells_what_the_answer_means(
    run: Run, database: Database
) -> None:
    database.rule = lambda lines: (400, "Bad Request") if lines != ["m v=5i 6"] else None
    one = run(database.url)
    one.put(0)
    wait_for(lambda: one.sink.sender.state == "refused", "a state that says so")
    one.put(5)
    one.wait_until_sent()
    assert database.column("v") == [5]
    assert one.sink.dead_letter.parked == 1


@pytest.mark.slow
def test_a_server_that_is_another_one_later_is_doubted_anew(run: Run, database: Database) -> None:
    one = run(database.url)
    one.put(0)
    one.wait_until_sent()
    database.rule = lambda _: (400, "Client sent an HTTP request to an HTTPS server.")
    one.put(1, 2, 3)
    wait_for(lambda: one.sink.sender.state == "refused", "a state that says so")
    assert one.sink.dead_letter.parked == 0
    database.rule = lambda _: None
    one.wait_until_sent()
    assert database.column("v") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "without_lines",
    [(204, ""), (400, "writing requires points"), (400, '"nothing"'), (405, ""), (500, "what?")],
)
@pytest.mark.parametrize("lines", [1, 10])
def test_where_all_lines_are_bad_they_are_parked_and_nothing_counts_as_written(
    run: Run, database: Database, without_lines: Answer, lines: int
) -> None:
    database.rule = lambda got: (400, "field type conflict") if got else without_lines
    one = run(database.url)
    one.put(0, lines=lines)
    one.wait_until_sent()
    assert one.sink.dead_letter.parked == lines
    assert one.sink.sender.state == "healthy"
    assert one.sink.sender.last_success_ns is None
    database.rule = lambda _: None
    one.put(100)
    one.wait_until_sent()
    assert database.column("v") == [100]
    assert one.sink.sender.last_success_ns is not None


def test_a_server_that_is_mended_while_it_is_doubted_gets_the_line(
    run: Run, database: Database
) -> None:
    # Packed, as plain text, and without lines.
    refusal = (400, "Please provide either orgID or org")
    answers: list[Answer | None] = [refusal, refusal, (204, "")]
    database.rule = lambda _: answers.pop(0) if answers else None
    one = run(database.url)
    one.put(7)
    one.wait_until_sent()
    assert database.column("v") == [7]
    assert one.sink.dead_letter.parked == 0
