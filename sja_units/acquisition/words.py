"""Faults and figures in few words, for logs and STATUS. Pure."""


def describe_os_error(error: Exception) -> str:
    """Return an I/O error in a few words for people."""
    if isinstance(error, TimeoutError):
        return "no answer to the connection attempt"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def count(number: int, noun: str) -> str:
    """Return "1 line" or "1,234 lines"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
