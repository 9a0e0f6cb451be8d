"""What is wrong with a job, what happens next and what to do: in words. Pure."""

from sja_units.exit_status import NEEDS_OPERATOR, WRONG_CONFIG
from sja_units.jobs.snapshot import JobStatus
from sja_units.kinds import get_kind

_NOT_RETRIED = (NEEDS_OPERATOR, WRONG_CONFIG)  # by systemd
_REMEDIES = {
    NEEDS_OPERATOR: "Give it a fresh session: log in, save the cookies, "
    "`sjactl cookies {job} --set FILE`.",
    WRONG_CONFIG: "Mend {config} (`sjactl edit {job}`), then `sjactl start {job}`.",
    203: "Run ./install.sh again: the program is not there or cannot be run.",
    243: "Look at {config} and at the files that it names: systemd could not read one of them.",
}


def explain(view: JobStatus, since: str) -> str:
    """Return one paragraph on a job.

    since: how long it has been in its state, in words, "" if nobody knows.
    """
    state = f"has been {view.state} for {since}" if since else f"is {view.state}"
    sentences = [f"{view.job} {state}.", *_TELLERS[view.state](view)]
    if view.changed:
        sentences += [
            "Its file has changed since it started;",
            f"`sjactl restart {view.job}` lets that take effect.",
        ]
    return " ".join(sentence for sentence in sentences if sentence)


def _quote(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _tell_running(view: JobStatus) -> list[str]:
    failure = view.error
    if failure is None:
        return ["All is well, there is nothing to do."]
    return [
        f"All is well now; it last failed at {failure.at}: {failure.message}.",
        f"If that goes on, look at what ends it: `sjactl history {view.job}` shows each run.",
    ]


def _tell_completed(view: JobStatus) -> list[str]:
    if view.next_run is None:
        return ["It did its work and ended.", f"`sjactl start {view.job}` runs it once more."]
    return ["Its last run did its work.", *_tell_schedule(view)]


def _tell_schedule(view: JobStatus) -> list[str]:
    if view.next_run is None:
        return []
    return [_quote(view.status), f"`sjactl restart {view.job}` runs it at once."]


def _tell_degraded(view: JobStatus) -> list[str]:
    if not view.health and view.status != "not reporting":
        return [_quote(view.status)]  # it is not the worker's fault
    if not view.health:
        return [
            "Its worker does not report.",
            f"The watchdog restarts it if it hangs; `sjactl restart {view.job}` does so now.",
        ]
    return [
        _quote(view.status),
        *_tell_bad_registers(view),
        *get_kind(view.job.kind).list_remedies(str(view.job), view.health),
        get_kind(view.job.kind).degraded_advice,
        f"`sjactl probe {view.job}` tries it now, `sjactl logs {view.job}` shows what led to it.",
    ]


def _tell_bad_registers(view: JobStatus) -> list[str]:
    devices = view.health.get("devices")
    if not isinstance(devices, dict):
        return []
    told = []
    for name, device in devices.items():
        bad = device.get("bad_registers") if isinstance(device, dict) else None
        if isinstance(bad, list) and bad:
            more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
            told.append(f"{name} refuses {'; '.join(map(str, bad[:5]))}{more}.")
    return [*told, "They are left out and tried again later."] if told else []


def _tell_under_way(view: JobStatus) -> list[str]:
    return _tell_schedule(view) or [_quote(view.status), "Wait a moment and ask again."]


def _tell_restarting(view: JobStatus) -> list[str]:
    failure = view.error
    if failure is None:
        return ["It has just ended and starts again at once."]
    times = "once" if failure.failures == 1 else f"{failure.failures} times in a row"
    return [
        f"It failed {times}, last at {failure.at}: {failure.message}.",
        "It is tried again by itself, each time after a longer pause, five minutes at most.",
        f"`sjactl start {view.job}` tries at once, `sjactl logs {view.job}` shows more.",
    ]


def _tell_failed(view: JobStatus) -> list[str]:
    failure = view.error
    if failure is None:
        return [f"`sjactl logs {view.job}` shows why, `sjactl start {view.job}` tries again."]
    return [
        f"At {failure.at} it ended: {failure.message}.",
        _tell_next_try(view, failure.exit_code),
        _find_remedy(view, failure.exit_code).format(job=view.job, config=view.job.config_path),
    ]


def _tell_next_try(view: JobStatus, status: int | None) -> str:
    if view.next_run:
        return "It is not tried again before somebody acts, or the next run of its schedule."
    if not view.wanted or not view.relaunch:
        return "It is not tried again before somebody acts."
    if status in _NOT_RETRIED:
        return "It is not tried again before somebody acts, or the next boot."
    return "sja-check tries it again every few minutes."


def _find_remedy(view: JobStatus, status: int | None) -> str:
    usual = "`sjactl logs {job}` shows more, `sjactl start {job}` tries again."
    if get_kind(view.job.kind).exits_as_program and status in _NOT_RETRIED:
        # It may as well be the program's own status.
        return f"{usual} What its file says: `sjactl config {{job}}`."
    return _REMEDIES.get(status or 0, usual)


def _tell_down(view: JobStatus) -> list[str]:
    failure = view.error
    return [
        "Its last order was to start, but it does not run.",
        _quote(view.obstacle),
        f"Its last failure was at {failure.at}: {failure.message}." if failure else "",
        f"`sjactl start {view.job}` starts it, and `sjactl check --repair` all that are down, but"
        " not while sja-jobs.target is stopped or sja-relaunch disabled.",
    ]


def _tell_stopped(view: JobStatus) -> list[str]:
    if view.wanted:
        return [
            "Its file says relaunch = false, so it did not come back by itself, as after a boot.",
            f"`sjactl start {view.job}` starts it.",
        ]
    return [
        f"It was stopped on purpose. `sjactl start {view.job}` starts it, now and at each boot."
    ]


def _tell_unconfigured(view: JobStatus) -> list[str]:
    return [
        f"systemd knows it, but there is no file {view.job.config_path}.",
        f"Put it back, or forget the job: `sjactl remove {view.job}`.",
    ]


_TELLERS = {
    "running": _tell_running,
    "completed": _tell_completed,
    "degraded": _tell_degraded,
    "starting": _tell_under_way,
    "stopping": _tell_under_way,
    "restarting": _tell_restarting,
    "down": _tell_down,
    "failed": _tell_failed,
    "stopped": _tell_stopped,
    "unconfigured": _tell_unconfigured,
}
