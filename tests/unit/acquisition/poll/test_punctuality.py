import pytest

from sja_units.acquisition.poll.punctuality import Punctuality


def note(punctuality: Punctuality, interval: float, cycles: int, missed: int) -> None:
    moment = 0.0
    for _ in range(cycles):
        moment += interval * (1 + missed)
        punctuality.note(moment, interval * (1 + missed) - interval / 2, missed)


@pytest.mark.parametrize("interval", [0.01, 1.0, 60.0, 3600.0])
def test_an_interval_that_is_never_kept_is_told_whatever_it_is(interval: float) -> None:
    punctuality = Punctuality(interval)
    note(punctuality, interval, 10, 5)
    assert "skipped" in punctuality.describe()


@pytest.mark.parametrize(("cycles", "missed"), [(100, 0), (2, 1), (1, 2)])
def test_a_few_are_nothing_to_speak_of(cycles: int, missed: int) -> None:
    punctuality = Punctuality(1.0)
    note(punctuality, 1.0, cycles, missed)
    assert not punctuality.describe()


def test_what_was_late_is_forgotten_after_a_minute() -> None:
    punctuality = Punctuality(1.0)
    note(punctuality, 1.0, 10, 5)
    for second in range(61, 71):
        punctuality.note(float(second), 0.1, 0)
    assert punctuality.describe()
    for second in range(71, 130):
        punctuality.note(float(second), 0.1, 0)
    assert not punctuality.describe()
    assert (punctuality.cycles, punctuality.missed) == (60, 0)
