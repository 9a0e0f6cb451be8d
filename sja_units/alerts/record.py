"""What is remembered of a job between two looks. Pure."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeVar, get_args

# Seconds before a delivery that failed is tried again: doubled each time, within these.
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 900.0


Channel = Literal["command", "webhook"]
Event = Literal["failing", "expired", "failed", "recovered"]
Condition = Literal[
    "well",
    "ill",  # with an event that is told at once
    "doubtful",  # told as `failing` if it lasts
    "unclear",  # on the way to something else
    "unwanted",  # a person stopped or removed it
]
_CHANNELS: tuple[Channel, ...] = get_args(Channel)
_EVENTS: tuple[Event, ...] = get_args(Event)
_CONDITIONS: tuple[Condition, ...] = get_args(Condition)

T = TypeVar("T", bound=str)


def _pick(text: object, words: tuple[T, ...]) -> T:
    """Return the word that a text is. Raises ValueError for any other."""
    for word in words:
        if text == word:
            return word
    raise ValueError(f"{text!r} is none of {', '.join(words)}")


def parse_event(text: object) -> Event:
    return _pick(text, _EVENTS)


def parse_condition(text: object) -> Condition:
    return _pick(text, _CONDITIONS)


class Delivery(NamedTuple):
    """An event that one channel has not delivered yet."""

    event: Event
    tries: int
    due: float  # Unix time


class Streak(NamedTuple):
    """Since when, in seconds of the uptime, each look has found a job in the same condition."""

    condition: Condition
    since: float


_NOTHING: Mapping[Channel, Delivery] = MappingProxyType({})


class Record(NamedTuple):
    """What was told of one job; times in Unix seconds."""

    open: Event | None = None  # the event that was told and is not over
    told_at: float = 0.0
    recovered_at: float = 0.0
    relapses: int = 0  # how often it was told anew soon after it had recovered
    outbox: Mapping[Channel, Delivery] = _NOTHING
    # The channels by which people know that something is wrong, and not yet that it is over.
    alarmed: tuple[Channel, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Return whether nothing is told or to be told at the moment."""
        return not self.open and not self.outbox


def render_record(record: Record) -> str:
    """Return a record as text; `parse_record` is the way back."""
    return json.dumps(record._asdict() | {"outbox": dict(record.outbox)})


def parse_record(text: str) -> Record:
    """Return what the text of a record says, an empty one if it cannot be read.

    At worst something is told once more.
    """
    try:
        values = json.loads(text)
        outbox = {
            _pick(channel, _CHANNELS): Delivery(parse_event(event), int(tries), float(due))
            for channel, (event, tries, due) in values["outbox"].items()
        }
        return Record(
            parse_event(values["open"]) if values["open"] else None,
            float(values["told_at"]),
            float(values["recovered_at"]),
            int(values["relapses"]),
            outbox,
            tuple(_pick(channel, _CHANNELS) for channel in values.get("alarmed", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return Record()


def note_try(record: Record, channel: Channel, now: float) -> Record:
    """Return the record once a delivery is about to be tried.

    It is noted beforehand: where the result cannot be written, it still is no storm.
    """
    event, tries, _ = record.outbox[channel]
    pause = min(FIRST_PAUSE * 2.0 ** min(tries, 20), LONGEST_PAUSE)
    return record._replace(
        outbox={**record.outbox, channel: Delivery(event, tries + 1, now + pause)}
    )


def note_delivered(record: Record, channel: Channel) -> Record:
    """Return the record once a channel has delivered its event."""
    outbox = {w: d for w, d in record.outbox.items() if w != channel}
    alarmed = [w for w in record.alarmed if w != channel]
    if record.open:
        alarmed.append(channel)
    return record._replace(outbox=outbox, alarmed=tuple(alarmed))
