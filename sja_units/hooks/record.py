"""The record of a failure: the end hook writes it, all others read it."""

HUNG = "hung: "  # what a worker says before it asks for the watchdog itself
MAX_RECENT = 10
RECENT_SECONDS = 3600


class Record:
    """How a run ended that nobody had ordered to end. Words are systemd's, see systemd.exec(5)."""

    __slots__ = (
        "at",
        "code",
        "failures",
        "has_not_recovered",
        "message",
        "recent",
        "result",
        "status",
    )

    def __init__(
        self,
        at: str,
        result: str,
        code: str,
        status: str,
        failures: int,
        recent: "tuple[int, ...]" = (),
        has_not_recovered: bool = False,
        message: str = "",
    ) -> None:
        self.at = at  # RFC 3339, UTC
        self.result = result  # SERVICE_RESULT
        self.code = code  # EXIT_CODE, "" where no process ended
        self.status = status  # EXIT_STATUS
        self.failures = failures  # in a row
        self.recent = recent  # Unix times of the last ones, see MAX_RECENT and RECENT_SECONDS
        self.has_not_recovered = has_not_recovered  # sja-relaunch had started it, in vain
        self.message = message  # the worker's own last words


def format_record(record: Record) -> str:
    """Return the text of a record's file."""
    lines = (
        f"at={record.at}",
        f"result={record.result}",
        f"code={record.code}",
        f"status={record.status}",
        f"failures={record.failures}",
        f"recent={' '.join(map(str, record.recent))}",
        f"recovery={'failed' if record.has_not_recovered else ''}",
        f"message={record.message}",
    )
    return "\n".join(lines) + "\n"


def parse_record(text: str) -> Record:
    """Return what a record says; one that is cut short gives what is there."""
    # Not splitlines(): a worker's words hold whatever else some call the end of a line.
    fields = dict(line.split("=", 1) for line in text.split("\n") if "=" in line)
    failures = fields.get("failures", "")
    return Record(
        fields.get("at", ""),
        fields.get("result", ""),
        fields.get("code", ""),
        fields.get("status", ""),
        int(failures) if is_number(failures) else 1,
        tuple(int(at) for at in fields.get("recent", "").split() if is_number(at)),
        fields.get("recovery") == "failed",
        fields.get("message", ""),
    )


def is_number(text: str) -> bool:
    """Tell whether a text is a number that anything here may hold."""
    return text.isascii() and text.isdigit() and len(text) < 20
