from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sja_units.keepalive import timing

intervals = st.floats(1, 30 * 86400)


@given(intervals)
def test_jitter_is_ten_percent(interval: float) -> None:
    delays = [timing.delay_refresh(interval) for _ in range(20)]
    assert all(0.9 * interval <= delay <= 1.1 * interval for delay in delays)
    assert len(set(delays)) > 1


@given(intervals, st.integers(1, 10_000), st.none() | st.floats(0, 1e12))
def test_no_wait_is_longer_than_the_interval(
    interval: float, failures: int, retry_after: float | None
) -> None:
    assert 0 < timing.delay_retry(failures, interval, retry_after) <= interval
    assert 0 < timing.delay_confirmation(interval) <= min(interval, 5)
    assert 0 < timing.delay_login(failures, interval) <= interval


def test_retries_grow_and_the_site_can_ask_for_more() -> None:
    first = max(timing.delay_retry(1, 900, None) for _ in range(20))
    fourth = min(timing.delay_retry(4, 900, None) for _ in range(20))
    assert first < fourth < 900
    assert timing.delay_retry(1, 900, 120) == 120
    assert timing.delay_retry(1, 900, 1e9) == 900


def test_jobs_do_not_start_all_at_once_after_a_boot() -> None:
    delays = [timing.delay_first(900, 20) for _ in range(50)]
    assert all(0 <= delay <= 30 for delay in delays)
    assert max(delays) - min(delays) > 5
    assert max(timing.delay_first(60, 20) for _ in range(50)) <= 6
    assert timing.delay_first(900, 3600) == 0


def test_a_boot_of_500_jobs_is_no_stampede() -> None:
    first = [timing.delay_first(900, 20) for _ in range(500)]
    assert _busiest(first) < 60  # a second has 17 of them on average
    # They do not fall into step later, either.
    later = [delay + sum(timing.delay_refresh(900) for _ in range(4)) for delay in first]
    assert _busiest(later) < 30
    # A restart for another reason than a boot looks at once: its session may be about to end.
    assert {timing.delay_first(900, 86400) for _ in range(500)} == {0}


def _busiest(times: list[float]) -> int:
    """Return how many fall into the fullest second."""
    return max(Counter(map(int, times)).values())
