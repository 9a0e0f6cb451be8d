"""The host's file: what it may say, and every fault at once with its place."""

import re
from pathlib import Path

import pytest

from sja_units.config.host import parse_host_config
from sja_units.errors import ConfigError, FaultLine

WHERE = "sja-units.toml"


def faults(text: str) -> list[FaultLine]:
    with pytest.raises(ConfigError) as caught:
        parse_host_config(text, WHERE)
    return caught.value.faults


@pytest.mark.parametrize("text", ["", "# [alert]\n# command = []\n"])
def test_nobody_is_told_by_default(text: str) -> None:
    assert parse_host_config(text, WHERE).alert is None


def test_defaults() -> None:
    alert = parse_host_config('[alert]\ncommand = ["/bin/tell", "-x"]\n', WHERE).alert
    assert alert
    assert (alert.command, alert.webhook) == (("/bin/tell", "-x"), None)
    assert (alert.after_failures, alert.remind) == (3, 86400)


def test_a_webhook_alone_will_do() -> None:
    text = '[alert]\nwebhook = "https://ntfy.example.org:8443/a?b=c"\nremind = "2h"\n'
    alert = parse_host_config(text, WHERE).alert
    assert alert
    assert alert.webhook
    assert alert.webhook.url == "https://ntfy.example.org:8443/a?b=c"
    assert (alert.command, alert.remind) == ((), 7200)


def test_all_faults_are_told_at_once_with_their_lines() -> None:
    lines = ["[alert]", 'command = ["tell"]', "after_failures = 0", 'remind = "soon"']
    told = faults("\n".join([*lines, 'webhok = "x"', "[alart]"]))
    assert [line.split(":")[0][-1] for line in told] == ["2", "3", "4", "6", "5"]
    assert "webhook" in told[4]  # did you mean


def test_somebody_has_to_be_named() -> None:
    (told,) = faults("[alert]\nafter_failures = 5\n")
    assert told.startswith("line 1: alert: ")
    assert faults("[alert]\ncommand = []\n")


@pytest.mark.parametrize(
    "address",
    ["ftp://secret.example/", "secret", "https://secret:x@a.example/", "https://a b/secret"],
)
def test_a_fault_does_not_show_the_address(address: str) -> None:
    (told,) = faults(f'[alert]\nwebhook = "{address}"\n')
    assert "webhook" in told
    assert "secret" not in told


def test_a_service_with_its_secret_and_a_heartbeat() -> None:
    text = """[alert]
webhook = "https://hook.example/x"
format = "dingtalk"
secret = "SECx"
quiet_hours = "22:00-07:30"
heartbeat = "https://beat.example/y"
heartbeat_interval = "15min"
"""
    alert = parse_host_config(text, WHERE).alert
    assert alert is not None
    assert (alert.format, alert.secret, alert.quiet) == ("dingtalk", "SECx", (1320, 450))
    assert alert.heartbeat
    assert (alert.heartbeat.host, alert.heartbeat_interval) == ("beat.example", 900)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('format = "teams"', "alert.format"),
        ('secret = "x"', "alert.secret"),
        ('quiet_hours = "22-7"', "alert.quiet_hours"),
        ('quiet_hours = "25:00-07:00"', "alert.quiet_hours"),
        ('quiet_hours = "07:00-07:00"', "alert.quiet_hours"),
        ('heartbeat = "ftp://x/"', "alert.heartbeat"),
        ('heartbeat_interval = "1s"', "alert.heartbeat_interval"),
    ],
)
def test_a_wrong_setting_is_told_with_its_key(line: str, key: str) -> None:
    (told,) = faults(f'[alert]\nwebhook = "https://a.example/"\n{line}\n')
    assert told.key == key


def test_a_heartbeat_alone_is_enough() -> None:
    assert parse_host_config('[alert]\nheartbeat = "https://a.example/"\n', WHERE).alert


def test_the_file_as_installed_says_nothing_and_shows_what_works() -> None:
    text = (Path(__file__).parents[3] / "units/host.toml").read_text()
    assert parse_host_config(text, WHERE).alert is None
    shown = re.sub(r"^#(?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    shown = re.sub(r"^secret.*$", "", shown, flags=re.MULTILINE)  # not with ntfy
    alert = parse_host_config(shown, WHERE).alert
    assert alert
    assert (alert.format, bool(alert.webhook), bool(alert.heartbeat)) == ("ntfy", True, True)
