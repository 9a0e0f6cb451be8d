"""What the file of a command job may say."""

import pytest

from sja_units.command.config import CommandConfig
from sja_units.config.job_file import parse
from sja_units.errors import ConfigError

PROGRAM = 'command = ["/usr/bin/thing", "海天", ""]\n'


def read(text: str) -> CommandConfig:
    settings = parse("command", PROGRAM + text, "x.toml").settings
    assert isinstance(settings, CommandConfig)
    return settings


def test_a_command_alone_will_do() -> None:
    config = read("")
    assert config.command == ("/usr/bin/thing", "海天", "")
    assert config.repeats
    assert (config.user, config.schedule, config.probe, config.notify) == ("", "", None, False)


def test_all_keys() -> None:
    config = read(
        'working_directory = "/srv/bot"\nuser = "alice"\nstop_timeout = "5s"\nnotify = true\n'
        'restart = "on-failure"\nmax_runtime = "2h"\ntitle = "t"\n'
        '[environment]\nLANG = "zh_CN.UTF-8"\nEMPTY = ""\n'
        '[probe]\nhttp = "http://[::1]:8080/health?a=1"\ninterval = "1min"\nfailures = 2\n'
    )
    assert config.environment == (("LANG", "zh_CN.UTF-8"), ("EMPTY", ""))
    assert (config.stop_timeout, config.max_runtime, config.repeats) == (5, 7200, False)
    assert config.probe is not None
    assert config.probe.http is not None
    assert (config.probe.http.host, config.probe.interval) == ("[::1]", 60)


def test_what_has_a_schedule_runs_once_each_time() -> None:
    assert read('schedule = "hourly"\n').repeats is False


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [("127.0.0.1:5432", ("127.0.0.1", 5432)), ("[::1]:80", ("::1", 80)), ("db:1", ("db", 1))],
)
def test_an_endpoint_is_a_host_and_a_port(text: str, endpoint: tuple[str, int]) -> None:
    probe = read(f'[probe]\ntcp = "{text}"\n').probe
    assert probe is not None
    assert probe.tcp == endpoint


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('user = "a b"\n', "user"),
        ('user = "-oProxy"\n', "user"),
        ('working_directory = "srv"\n', "working_directory"),
        ('schedule = ""\n', "schedule"),
        ('schedule = "hourly\\nExecStart=/x"\n', "schedule"),
        ('schedule = "hourly"\nrestart = "always"\n', "restart"),
        ('restart = "never"\n', "restart"),
        ('max_runtime = "0s"\n', "max_runtime"),
        ('environment = { "A-B" = "1" }\n', "environment.A-B"),
        ("environment = { A = 1 }\n", "environment.A"),
        ('environment = { NOTIFY_SOCKET = "/x" }\n', "environment.NOTIFY_SOCKET"),
        ("[probe]\n", "probe"),
        ('[probe]\ntcp = "a:1"\nfile = "/x"\n', "probe"),
        ('[probe]\ntcp = "a"\n', "probe.tcp"),
        ('[probe]\ntcp = "a:70000"\n', "probe.tcp"),
        ('[probe]\nhttp = "ftp://a/"\n', "probe.http"),
        ('[probe]\nhttp = "http://u:p@a/"\n', "probe.http"),
        ('[probe]\nexec = ["ls"]\n', "probe.exec"),
        ("[probe]\nexec = []\n", "probe.exec"),
        ('[probe]\ntcp = "a:1"\nmax_age = "1min"\n', "probe.max_age"),
        ('[probe]\nfile = "/x"\nage = "1min"\n', "probe.age"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ConfigError) as told:
        read(text)
    assert any(fault.key == place for fault in told.value.faults)


@pytest.mark.parametrize("command", ["[]", '["ls"]', '"ls"', "[1]", '["/x\\u0000"]'])
def test_a_command_is_a_list_that_begins_with_a_path(command: str) -> None:
    with pytest.raises(ConfigError):
        parse("command", f"command = {command}\n", "x.toml")


def test_no_fault_tells_a_secret() -> None:
    with pytest.raises(ConfigError) as told:
        read('[environment]\nTOKEN = ["made-up-secret"]\n')
    assert "made-up-secret" not in str(told.value)
