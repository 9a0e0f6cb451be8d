"""What a probe of a keep-alive job's page has found, for people and for programs."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from sja_units.cli.output import format as render
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.probe import SiteReport
from sja_units.keepalive.response import ALIVE, Outcome
from sja_units.keepalive.verdict import Check
from sja_units.text import count

_COLOURS: dict[Outcome, str] = {"alive": "green", "expired": "red", "unknown": "yellow"}


def describe_site(config: KeepaliveConfig, report: SiteReport) -> Iterator[str]:
    """Yield lines for people."""
    outcome, reason = report.result.verdict
    yield _describe_outcome(config, outcome, reason)
    if report.result.http_status is not None:
        to = f", redirects to {render.clean(report.location)}" if report.location else ""
        yield f"  status    {report.result.http_status}{to}"
    names = " ".join(map(render.clean, report.sent))
    yield f"  sent      {count(len(report.sent), 'cookie')}{': ' if names else ''}{names}"
    for check in report.checks:
        yield f"  {_describe_check(check)}"
    if report.text:
        yield f"  page      {render.clean(report.text)}"
    if report.is_public:
        yield "The page answers the same without cookies: nothing shows when the session ends."
        yield "Give a text that only your session is shown: [alive] body_contains = …"


def describe_refresh(config: KeepaliveConfig, health: Mapping[str, Any]) -> str:
    """Return what a worker says of the refresh that it was asked for."""
    return _describe_outcome(config, health["session"], str(health.get("message", "")))


def report_as_json(name: str, report: SiteReport) -> dict[str, Any]:
    """Return a report as it is printed."""
    outcome, reason = report.result.verdict
    return {
        "name": name,
        "kind": "keepalive",
        "ok": outcome == ALIVE,
        "session": outcome,
        "message": reason,
        "http_status": report.result.http_status,
        "location": report.location or None,
        "cookies": len(report.sent),
        "sent": list(report.sent),
        "criteria": [{"key": check.key, "holds": check.holds} for check in report.checks],
        "text": report.text,
    }


def refresh_as_json(name: str, health: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a worker says as it is printed."""
    said = {"name": name, "kind": "keepalive", "ok": health["session"] == ALIVE}
    return said | {key: health.get(key) for key in ("session", "message", "http_status")}


def _describe_outcome(config: KeepaliveConfig, outcome: Outcome, reason: str) -> str:
    state = click.style(outcome, fg=_COLOURS.get(outcome))
    return f"{config.address.site}: {state}: {render.clean(reason)}"


def _describe_check(check: Check) -> str:
    is_good = check.holds == check.key.startswith("alive.")
    mark = click.style(
        "holds" if check.holds else "does not hold", fg="green" if is_good else "red"
    )
    return f"{render.clean(check.key)} {mark}"
