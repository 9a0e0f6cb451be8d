"""The cookies of a cURL command, as browsers copy it for bash and for cmd. Pure."""

import re
from collections.abc import Iterator

from sja_units.keepalive.cookie import JarError

_CURL = re.compile(r"(?:[$>#%] *)?curl(?:\.exe)?\s")
_ANSI_C = re.compile(r"\\(?:u([0-9a-fA-F]{1,4})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "e": "\x1b", "a": "\a", "b": "\b"}


def is_curl(text: str) -> bool:
    """Tell whether a text is a cURL command."""
    return _CURL.match(text) is not None


def find_cookies(text: str) -> str:
    """Return what goes into the Cookie header. Raises JarError where nothing does."""
    words = _split(_uncaret(text) if '^"' in text else text)
    found = []
    for word in words:
        if word in ("-b", "--cookie"):
            found.append(_check(next(words, "")))
        elif word in ("-H", "--header"):
            found += _read_header(next(words, ""))
        elif word.startswith("-b") and not word.startswith("--"):
            found.append(_check(word[2:]))
        elif word.startswith("-H"):
            found += _read_header(word[2:])
    if not any(found):
        raise JarError("it is a cURL command without cookies: copy it from a request that has some")
    return "; ".join(found)


def _check(value: str) -> str:
    if "=" not in value:
        raise JarError("it is a cURL command that reads its cookies from a file: take that file")
    return value


def _read_header(header: str) -> list[str]:
    name, _, value = header.partition(":")
    return [value.strip()] if name.strip().lower() == "cookie" else []


def _uncaret(text: str) -> str:
    """Return what cmd makes of a line: a caret takes the next character as it is."""
    joined = re.sub(r"\^\r?\n", "", text)
    return re.sub(r"\^(.)", r"\1", joined, flags=re.DOTALL)


def _split(text: str) -> Iterator[str]:
    """Yield the words of a command as bash does."""
    word: list[str] | None = None
    place = 0
    while place < len(text):
        character = text[place]
        quoted = None
        if text.startswith("$'", place):
            quoted, place = _read_ansi_c(text, place + 2)
        elif character == "'":
            end = text.find("'", place + 1)
            end = len(text) if end < 0 else end
            quoted, place = text[place + 1 : end], end + 1
        elif character == '"':
            quoted, place = _read_double(text, place + 1)
        elif character == "\\":
            following = text[place + 1 : place + 2]
            skipped = following in ("\n", "\r")
            quoted, place = ("" if skipped else following), place + 2
            if skipped:
                continue
        elif character.isspace():
            if word is not None:
                yield "".join(word)
            word, place = None, place + 1
            continue
        else:
            quoted, place = character, place + 1
        word = [*(word or []), quoted]
    if word is not None:
        yield "".join(word)


def _read_double(text: str, place: int) -> tuple[str, int]:
    read = []
    while place < len(text) and text[place] != '"':
        if text[place] == "\\" and text[place + 1 : place + 2] in ('"', "\\", "$", "`"):
            place += 1
        read.append(text[place])
        place += 1
    return "".join(read), place + 1


def _read_ansi_c(text: str, place: int) -> tuple[str, int]:
    start = place
    while place < len(text) and text[place] != "'":
        place += 2 if text[place] == "\\" else 1
    return _ANSI_C.sub(_decode, text[start:place]), place + 1


def _decode(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    if number:
        return chr(int(number, 16))
    return chr(int(match[3], 8)) if match[3] else _LETTERS.get(match[4], match[4])
