"""Who may give orders: the groups, and polkit's rule for them."""

import grp
import os
import pwd
import re
from collections.abc import Iterator

from sja_units.doctor.finding import OK, PROBLEM, WARNING, Finding
from sja_units.doctor.installation import UNIT_FOLDER

_GROUPS = ("sja", "sja-cookies", "sja-api")
_SERVICE = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
_FOLDER = "/etc/polkit-1/rules.d"
_RULE = f"{_FOLDER}/50-sja-units.rules"
_TEMPLATES = re.compile(r"sja-\(([a-z|]+)\)@")
_AGAIN = "run install.sh again"


def check_groups() -> Iterator[Finding]:
    told = []
    missing = []
    for name in _GROUPS:
        try:
            group = grp.getgrnam(name)
        except KeyError:
            missing.append(Finding(PROBLEM, f"there is no group {name}", _AGAIN))
            continue
        first = [user.pw_name for user in pwd.getpwall() if user.pw_gid == group.gr_gid]
        told.append(f"{name}: {', '.join(sorted({*group.gr_mem, *first})) or 'nobody'}")
    yield from missing or [Finding(OK, "; ".join(told))]


def check_polkit() -> Iterator[Finding]:
    if not os.path.exists(_SERVICE):
        yield Finding(WARNING, "polkit is not here: only root can give orders", "install polkitd")
        return
    try:
        with open(_RULE, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        yield Finding(PROBLEM, f"{_RULE} is missing: only root can give orders", _AGAIN)
        return
    findings = [*_check_readable(), *_check_templates(text)]
    yield from findings or [Finding(OK, "members of group sja may start, stop and restart jobs")]


def _check_readable() -> Iterator[Finding]:
    """Find what polkitd cannot read: it then has no rules at all, and only the journal says so."""
    try:
        user = pwd.getpwnam("polkitd")
    except KeyError:
        return  # an older polkitd, which runs as root
    for path, needed in ((_FOLDER, 0o5), (_RULE, 0o4)):
        status = os.stat(path)
        shift = 6 if status.st_uid == user.pw_uid else 3 if status.st_gid == user.pw_gid else 0
        if (status.st_mode >> shift) & needed != needed:
            advice = f"chgrp polkitd {path} && chmod g+rX {path} && systemctl restart polkit"
            yield Finding(PROBLEM, f"polkitd cannot read {path}: group sja has no rights", advice)


def _check_templates(rule: str) -> Iterator[Finding]:
    match = _TEMPLATES.search(rule)
    if match is None:
        yield Finding(WARNING, f"{_RULE} does not name our units", _AGAIN)
        return
    for kind in match[1].split("|"):
        unit = f"sja-{kind}@.service"
        if not os.path.exists(f"{UNIT_FOLDER}/{unit}"):
            # Where systemd is new enough they may start a transient unit of that name.
            words = f"the rule names {unit}, which is missing: an operator can become root"
            yield Finding(PROBLEM, words, f"rm {_RULE}; then {_AGAIN}")
