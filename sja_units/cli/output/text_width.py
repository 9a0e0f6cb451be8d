"""How many columns text takes on a terminal, and how it is cut and wrapped there. Pure."""

import unicodedata
from collections.abc import Iterator

# They stay with what stands before them.
_CLOSING = "，。、；：！？）》」』】…"


def measure(text: str) -> int:
    """Return how many columns a text takes; Chinese and emoji take two a character."""
    if text.isascii():
        return len(text)
    return sum(map(_measure, text))


def _measure(c: str) -> int:
    # Marks are drawn over the character before them.
    if unicodedata.category(c) in ("Mn", "Me", "Cf") or "\u1160" <= c <= "\u11ff":
        return 0
    return 2 if _is_wide(c) else 1


def _is_wide(c: str) -> bool:
    return unicodedata.east_asian_width(c) in "WF"


def fit(text: str, width: int) -> str:
    """Return the text in exactly that many columns, cut or filled up."""
    taken = measure(text)
    if taken > width:
        text = f"{_cut(text, width - 1)}…"
        taken = measure(text)
    return text + " " * (width - taken)


def _cut(text: str, width: int) -> str:
    used = 0
    for i, c in enumerate(text):
        used += _measure(c)
        if used > width:
            return text[:i]
    return text


def wrap(text: str, width: int, *, break_words: bool = True) -> list[str]:
    """Return the text in lines of so many columns at most.

    break_words: cut a word that is wider than a line; else it has a line of its own.
    """
    lines, line = [], ""
    for piece in _split(text):
        if line and measure(line) + measure(piece) > width:
            lines.append(line)
            line, piece = "", piece.lstrip()
        line += piece
        while break_words and measure(line) > width:
            head = _cut(line, width) or line[0]
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line] if line or not lines else lines


def _split(text: str) -> Iterator[str]:
    """Give the pieces between which a line may end; spaces belong to what follows them."""
    piece = ""
    for c in text:
        word = piece.strip()
        at_wide = word and _measure(c) and (_is_wide(c) or _is_wide(word[-1]))
        if (word and c == " ") or (at_wide and c not in _CLOSING):
            yield piece
            piece = ""
        piece += c
    yield piece
