"""Entries of the journal with fields of their own, for what people look up later.

Source: the native protocol, systemd.io/JOURNAL_NATIVE_PROTOCOL; fields, systemd.journal-fields(7).
"""

import sys
from typing import NamedTuple

from sja_units.hooks import journal
from sja_units.job import Job

ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6


class Event(NamedTuple):
    """What an entry tells of: its rank, and the number under which the catalogue explains it."""

    level: int
    message_id: str


# Each stands in units/catalog: `journalctl -x` shows what it means and what to do.
RELAUNCHED = Event(INFO, "10abe54616684dacaaba8324fdd4f33d")
NOT_RECOVERED = Event(ERROR, "139ecc97c84e4c8ca79888fa9bb2dfeb")
REPAIRED = Event(NOTICE, "b0e75ed3b06f404c8ed5454f0e0594a1")
FOUND = Event(WARNING, "4a03b7daa124495bae9433a400ecc92f")
FOUND_UNMANAGED = Event(WARNING, "56074f823d1a4961899cf7771706f45f")
ALERTED = Event(WARNING, "87b8c4ddd3764817aa04d5fa04b2ad1a")
WELL_AGAIN = Event(NOTICE, "44b48bbf840e4cd39dd2ac218fd41c6e")
UNDELIVERED = Event(ERROR, "f292d2453837416fae70c640c407a998")
DELIVERED_AGAIN = Event(NOTICE, "18911759c67744f2b663d1b9e44e4505")
HOST_FILE_WRONG = Event(ERROR, "2b25d4c94507470f8f3abd13e919590d")
API_ORDER = Event(INFO, "6c1b7d0a5e3f4c2f9a84e7d25b90c613")


def send(event: Event, message: str, job: Job | None = None, **fields: str) -> None:
    """Write an entry; `sjactl logs` and `journalctl --unit` show it with those of its job.

    fields: more of them, by their names in lower case. Where no journal takes it, it goes to
    stderr.
    """
    values = {"MESSAGE": message, "MESSAGE_ID": event.message_id, "PRIORITY": str(event.level)}
    if job is not None:
        values |= {"SJA_JOB": str(job), "OBJECT_SYSTEMD_UNIT": job.unit}
    values |= {name.upper(): value for name, value in fields.items()}
    try:
        journal.send_entry(values)
    except OSError:
        print(message, file=sys.stderr)
