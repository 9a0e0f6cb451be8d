"""How often to look: what the site promises, what the session was seen to survive. Pure."""

from sja_units.keepalive.state import State

START = 300.0  # seconds; nothing is known yet
SHORTEST, LONGEST = 60.0, 12 * 3600.0
# Half of what is known to be too long, or long enough, leaves room for one look that fails.
_SAFE = 0.5
_STEP = 1.25
_ALIKE = 0.8  # pauses of one interval differ by less


def choose_interval(state: State, *, may_risk: bool) -> float:
    """Return the seconds between two looks of `interval = "auto"`.

    may_risk: a session lost can be opened again by a program, so that longer and longer pauses may
    be tried. Else only a pause that happened anyway, the host being off for instance, teaches.
    """
    interval = max(START, state.longest_idle_ok * (_STEP if may_risk else _SAFE))
    for limit in (state.shortest_idle_lost, state.promised):
        if limit:
            interval = min(interval, limit * _SAFE)
    return min(max(interval, SHORTEST), LONGEST)


def learn_alive(state: State, idle: float) -> State:
    """Return the state after a session was alive that nobody had touched for `idle` seconds."""
    return state._replace(
        longest_idle_ok=max(idle, state.longest_idle_ok),
        shortest_idle_lost=0.0 if idle >= state.shortest_idle_lost else state.shortest_idle_lost,
        doubted=0.0 if idle >= state.doubted * _ALIKE else state.doubted,
    )


def learn_dead(state: State, idle: float) -> State:
    """Return the state after a session was gone after `idle` seconds.

    One that had survived such a pause before has not died of it: somebody logged out, or the site
    ends every session at some age. But where none survives it any more, none ever may have: the
    clock was set ahead.
    """
    if idle > state.longest_idle_ok:
        return state._replace(shortest_idle_lost=min(idle, state.shortest_idle_lost or idle))
    if not state.doubted:
        return state._replace(doubted=idle)
    return state._replace(
        longest_idle_ok=0.0,
        shortest_idle_lost=min(idle, state.shortest_idle_lost or idle),
        doubted=0.0,
    )


def note_expiry(state: State, expires_at: float | None, now: float) -> State:
    """Return the state after a look at a live session whose first cookie ends then (Unix time)."""
    if not expires_at:
        return state._replace(expires_at=0.0, expires_since=0.0, promised=0.0)
    if expires_at == state.expires_at:
        return state._replace(promised=0.0)
    renewed = 0 < state.expires_at < expires_at
    promised = expires_at - now if renewed else 0.0
    return state._replace(expires_at=float(expires_at), expires_since=now, promised=promised)


def is_ending(state: State, interval: float, now: float) -> bool:
    """Return whether the cookies end soon, and looks do not renew them."""
    left, life = state.expires_at - now, state.expires_at - state.expires_since
    return state.expires_since < now and 0 < left < max(life / 10, 2 * interval)


def hurry(delay: float, left: float) -> float:
    """Return the seconds until the next look, fewer if the cookies end in `left` seconds.

    Never under a minute for that: a site may set other cookies that live for seconds.
    """
    if left <= 0 or delay < left * 0.9:
        return delay
    return min(delay, max(left / 2, SHORTEST))


def describe(state: State, interval: float) -> str:
    """Return what was learned, and the interval that follows from it."""
    learned = [
        (state.longest_idle_ok, "it survived {} of idling"),
        (state.shortest_idle_lost, "it died of {}"),
        (state.promised, "its cookies live for {}"),
    ]
    words = [text.format(_show(seconds)) for seconds, text in learned if seconds >= 1]
    return f"auto interval {_show(interval)} ({', '.join(words) or 'nothing learned yet'})"


def _show(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"
