"""What systemd itself must know of a job's file, as a drop-in for its unit. Pure."""

from sja_units.config import JobFile

_HEADER = "# Written by sjactl from the job's file; change that and run `sjactl apply`.\n"


def render_drop_in(file: JobFile) -> str:
    """Return the drop-in's text, "" where the template alone will do."""
    lines = [f"{key}={value}" for key, values in file.service.items() for value in values]
    return _HEADER + "[Service]\n" + "".join(f"{line}\n" for line in lines) if lines else ""
