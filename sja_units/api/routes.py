"""Which request asks for what: method, path, query and body become a `Request`. Pure."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote_plus

from sja_units.api.problems import Fault, Problem
from sja_units.api.request import Action, Plain, Request, Value
from sja_units.job import KINDS, NAME

_JOB = re.compile(r"/v1/jobs/([^/]*)/([^/]*)(/[^/]*)?")
_MOST_LINES = 10_000
_MOST_DIGITS = 20


class _Route(NamedTuple):
    action: Action
    query: tuple[str, ...] = ()


# By what follows the job in the path, then by method.
_ON_JOB: dict[str, dict[str, _Route]] = {
    "": {
        "GET": _Route("get"),
        "PUT": _Route("put"),
        "DELETE": _Route("remove", ("keep_state",)),
    },
    "/start": {"POST": _Route("start")},
    "/stop": {"POST": _Route("stop")},
    "/restart": {"POST": _Route("restart")},
    "/cookies": {"GET": _Route("cookies", ("format",)), "PUT": _Route("set-cookies")},
    "/runs": {"GET": _Route("runs", ("lines",))},
    "/log": {"GET": _Route("log", ("lines",))},
    "/samples": {"GET": _Route("samples", ("since", "lines"))},
    "/last": {"GET": _Route("last")},
}
_ON_ALL = {"/v1/jobs": {"GET": _Route("list")}, "/v1/events": {"GET": _Route("events")}}


def list_routes() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield method, path and query of all that can be asked for."""
    for path, routes in _ON_ALL.items():
        yield from ((method, path, route.query) for method, route in routes.items())
    for rest, routes in _ON_JOB.items():
        path = f"/v1/jobs/{{kind}}/{{name}}{rest}"
        yield from ((method, path, route.query) for method, route in routes.items())


def needs_body(method: str) -> bool:
    """Tell whether a request of that method has to say how long its body is."""
    return method == "PUT"


def parse_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
    """Return what a request asks for. Raises Problem.

    headers: by their names in lower case.
    """
    path, _, query = target.partition("?")
    routes, kind, name = _find_routes(path)
    # HEAD is answered as GET is, without the body.
    route = routes.get("GET" if method == "HEAD" else method)
    if route is None or (method == "HEAD" and route.action == "events"):
        methods = [*routes, *(["HEAD"] if "GET" in routes and path != "/v1/events" else [])]
        raise Problem(405, f"{method} cannot be done here", headers=[("Allow", ", ".join(methods))])
    asked = _parse_query(query, route.query)
    request = Request(
        route.action,
        kind,
        name,
        if_match=headers.get("if-match", ""),
        if_none_match=headers.get("if-none-match", ""),
        keep_state=asked.get("keep_state", "0") == "1",
        lines=_read_lines(asked.get("lines", "0")),
        since=asked.get("since", ""),
        form=asked.get("format", ""),
    )
    if route.action == "put":
        return _read_job(request, body)
    if route.action == "set-cookies":
        return request._replace(jar=_read_jar(body))
    return request


def _find_routes(path: str) -> tuple[dict[str, _Route], str, str]:
    if routes := _ON_ALL.get(path):
        return routes, "", ""
    match = _JOB.fullmatch(path)
    if match and match[1] in KINDS and NAME.fullmatch(match[2]):
        routes = _ON_JOB.get(match[3] or "", {})
        if routes:
            return routes, match[1], match[2]
    raise Problem(404, "there is nothing here")


def _parse_query(query: str, known: tuple[str, ...]) -> dict[str, str]:
    asked: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        key = unquote_plus(key)
        if key not in known or key in asked:
            raise Problem(400, f"the query has {key!r}, which is unknown here or comes twice")
        asked[key] = unquote_plus(value)
    if asked.get("keep_state", "1") not in ("0", "1"):
        raise Problem(400, "keep_state must be 0 or 1")
    return asked


def _read_lines(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= _MOST_LINES:
        return int(text)
    raise Problem(400, f"lines must be an integer from 1 to {_MOST_LINES}")


def parse_json(body: bytes) -> Any:
    """Return what a JSON document says. Raises Problem.

    Refused are what readers of JSON understand differently: a key that comes twice, NaN, numbers
    that no computer has, text that is not UTF-8.
    """
    try:
        return json.loads(
            body.decode(),
            object_pairs_hook=_make_object,
            parse_constant=_refuse_constant,
            parse_int=_read_int,
            parse_float=_read_float,
        )
    except RecursionError:
        raise Problem(400, "the JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise Problem(400, "the JSON is not UTF-8") from None
    except ValueError as error:
        raise Problem(400, f"this is no JSON: {error}") from None


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key comes twice")
    return made


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _read_int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("an integer has too many digits")
    return int(digits)


def _read_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _read_job(request: Request, body: bytes) -> Request:
    said = parse_json(body)
    if not isinstance(said, dict):
        raise Problem(422, "the body must be an object", errors=[Fault("", "must be an object")])
    faults = [Fault(key, "unknown key") for key in said if key not in _KEYS]
    for key, (is_right, words) in _KEYS.items():
        if key in said and not is_right(said[key]):
            faults.append(Fault(key, f"must be {words}"))
    if "template" not in said:
        faults.append(Fault("template", "is missing"))
    if faults:
        raise Problem(422, "the body is not as it must be", errors=faults)
    values = tuple((key, _flatten(value)) for key, value in said.get("set", {}).items())
    jar = said.get("cookies")
    return request._replace(
        template=said["template"],
        values=values,
        jar=None if jar is None else _write_jar(jar),
        start=said.get("start"),
    )


_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "template": (
        lambda value: isinstance(value, str) and NAME.fullmatch(value) is not None,
        "the name of a template",
    ),
    "set": (lambda value: isinstance(value, dict), "an object"),
    "cookies": (
        lambda value: value is None or isinstance(value, str | list | dict),
        "a string, or what a browser exports",
    ),
    "start": (lambda value: isinstance(value, bool), "true or false"),
}


def _flatten(value: Any) -> Value:
    if isinstance(value, list):
        return [_flatten_item(item) for item in value]
    return _flatten_item(value)


def _flatten_item(value: Any) -> Plain:
    return value if isinstance(value, str | int | float) else None


def _read_jar(body: bytes) -> bytes:
    """Return the jar that a body is; one that stands in a JSON string is taken out of it."""
    if body.lstrip()[:1] == b'"':
        said = parse_json(body)
        return _write_jar(said)
    return body


def _write_jar(jar: Any) -> bytes:
    text = jar if isinstance(jar, str) else json.dumps(jar)
    return text.encode("utf-8", "surrogatepass")
