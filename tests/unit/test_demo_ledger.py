"""The demo's witness: what the device answered against what the database holds."""

from collections.abc import Sequence

from docs.demo.ledger import compare, last_answer


def log(*runs: Sequence[int]) -> str:
    """Return a device's log with these answers, each run on a connection of its own."""
    return "".join("connection\n" + "".join(f"{number}\n" for number in run) for run in runs)


def test_all_there_and_once() -> None:
    found = compare(log([1, 2, 3], [4, 5]), [1, 2, 3, 4, 5], 5)
    assert found.is_whole
    assert (found.answered, found.stored, found.on_the_wire) == (5, 5, [])


def test_the_last_answer_before_a_death_was_on_the_wire() -> None:
    found = compare(log([1, 2, 3], [4, 5]), [1, 2, 4, 5], 5)
    assert found.is_whole
    assert found.on_the_wire == [3]


def test_a_hang_is_two_deaths() -> None:
    hung = log([1, 2, 3]) + "stopped\n4\n" + log([5, 6])
    assert compare(hung, [1, 2, 5, 6], 6).on_the_wire == [3, 4]


def test_any_other_missing_answer_is_lost() -> None:
    found = compare(log([1, 2, 3, 4], [5, 6, 7]), [1, 3, 4, 5, 7], 7)
    assert found.lost == [2, 6]
    assert not found.is_whole


def test_two_at_the_end_are_one_too_many() -> None:
    assert compare(log([1, 2, 3], [4]), [1, 4], 4).lost == [2]


def test_the_living_worker_has_no_excuse() -> None:
    assert compare(log([1, 2], [3, 4]), [1, 2, 3], 4).lost == [4]


def test_a_whole_run_that_is_missing_is_lost() -> None:
    assert compare(log([1, 2, 3], [4, 5]), [4, 5], 5).lost == [1, 2]


def test_doubled_and_unknown_rows() -> None:
    found = compare(log([1, 2], [3]), [1, 2, 2, 3, 7], 9)
    assert (found.doubled, found.unknown) == ([2], [7])
    assert not found.is_whole


def test_what_came_after_the_question_does_not_count() -> None:
    assert compare(log([1, 2], [3, 4]), [1, 2, 3, 4, 5], 3).is_whole


def test_one_try_before_the_job_is_nobodys_sample() -> None:
    found = compare(log([1], [2, 3]), [2, 3], 3)
    assert found.is_whole
    assert (found.answered, found.on_the_wire) == (2, [])


def test_the_device_counts_on_where_its_log_ends() -> None:
    assert last_answer(log([1, 2], [3])) == 3
    assert last_answer("") == 0
