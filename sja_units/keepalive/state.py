"""What a keep-alive job remembers over restarts, beside its jar."""

import json
from typing import NamedTuple

from sja_units.fs.atomic import replace_file
from sja_units.runtime import log


class State(NamedTuple):
    """Times are Unix times; 0 stands for never."""

    last_refresh: float = 0.0
    last_alive: float = 0.0
    failures: int = 0  # looks in a row that did not find the session alive
    login_attempts: int = 0  # since the session was last alive
    last_login: float = 0.0  # the last attempt
    # In seconds; 0 stands for not known.
    longest_idle_ok: float = 0.0  # the longest pause after which the session was alive
    shortest_idle_lost: float = 0.0  # the shortest pause after which it was gone
    doubted: float = 0.0  # a pause below `longest_idle_ok` after which it was gone
    promised: float = 0.0  # how long the cookies live that each refresh renews
    expires_at: float = 0.0  # when the first cookie ends
    expires_since: float = 0.0  # when that date was first seen


def load_state(folder: str) -> State:
    """Return what was remembered, a new state if nothing readable is there."""
    path = f"{folder}/state.json"
    try:
        with open(path, "rb") as file:
            fields = json.loads(file.read(65536))
        kinds = State()._asdict().items()
        return State(**{name: type(usual)(fields.get(name, usual)) for name, usual in kinds})
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning(f"{path} is not readable and starts anew ({type(error).__name__})")
        return State()


def save_state(folder: str, state: State) -> None:
    """Remember the state, over a power cut too. Raises OSError."""
    replace_file(f"{folder}/state.json", json.dumps(state._asdict()).encode())
