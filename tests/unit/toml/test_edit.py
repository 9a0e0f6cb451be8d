import tomllib
from collections.abc import Iterable

import pytest

from sja_units.config.job_file import JobFile, parse
from sja_units.errors import UsageError
from sja_units.job import Job
from sja_units.jobs.unit_files import render_units
from sja_units.toml.edit import compose, mask

TEXT = """# the line by the window
interval = "1s"  # fast
[sink]
type = "local"
[[device]]
name = "a"
host = "192.0.2.1"
"""


def test_settings_keep_comments() -> None:
    text = compose(
        TEXT, [("title", '"一号"'), ("device.0.host", "192.0.2.9"), ("sink.url", "http://x")]
    )
    values = tomllib.loads(text)
    assert values["title"] == "一号"
    assert values["device"][0]["host"] == "192.0.2.9"
    assert values["sink"] == {"type": "local", "url": "http://x"}
    assert "# the line by the window" in text
    assert "# fast" in text


def test_a_table_on_one_line_takes_no_other_table() -> None:
    with pytest.raises(UsageError, match=r"environment\.C\.D"):
        compose('environment = { A = "x" }\n', [("environment.C.D", "3")])


def test_values_are_toml_or_plain_words() -> None:
    pairs = [
        ("a", "5"),
        ("b", "true"),
        ("c", "[1, 2]"),
        ("d", "plain words"),
        ("e.f", '"5"'),
        ("g", "1.5"),
    ]
    assert tomllib.loads(compose("", pairs)) == {
        "a": 5,
        "b": True,
        "c": [1, 2],
        "d": "plain words",
        "e": {"f": "5"},
        "g": 1.5,
    }


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "a..b",
        "device.7.host",
        "interval.x",
        "device",
        "device.².x",
        f"device.{'1' * 5000}.x",
    ],
)
def test_keys_that_lead_nowhere(key: str) -> None:
    if key == "device":
        key = "device.host"
    with pytest.raises(UsageError):
        compose(TEXT, [(key, "1")])


@pytest.mark.parametrize("text", ["03:00", "03:00:00", "2026-12-24", "2026-12-24 03:00:00", "1 2"])
def test_a_time_of_the_day_is_a_text(text: str) -> None:
    assert tomllib.loads(compose("", [("schedule", text)])) == {"schedule": text}


def test_without_settings_not_a_byte_changes() -> None:
    assert compose(TEXT, []) == TEXT


def drop_in(kind: str, file: JobFile, groups: Iterable[str] = ()) -> str:
    job = Job(kind, "x")
    return render_units(job, file, groups)[job.drop_in_path]


def test_drop_in_holds_only_what_was_asked_for() -> None:
    plain = 'url = "https://sports.example.edu/"\n'
    assert drop_in("keepalive", parse("keepalive", plain, "x")) == ""
    service = '[service]\nMemoryMax = "64M"\nEnvironment = ["A=1", "B=2"]\n'
    text = drop_in("keepalive", parse("keepalive", plain + service, "x"))
    assert text.splitlines()[1:] == [
        "[Service]",
        "MemoryMax=64M",
        "Environment=A=1",
        "Environment=B=2",
    ]


def test_the_drop_in_opens_the_serial_ports_and_nothing_else() -> None:
    device = """
[[device]]
name = "{name}"
transport = "rtu"
port = "/dev/ttyUSB{number}"
unit_id = {unit}
[[device.point]]
name = "p"
table = "coil"
address = 1
"""
    places = [("a", 0, 1), ("b", 0, 2), ("c", 1, 1)]
    text = '[sink]\ntype = "local"\n[service]\nMemoryMax = "64M"\n'
    text += "".join(device.format(name=n, number=t, unit=u) for n, t, u in places)
    lines = drop_in("acquisition", parse("acquisition", text, "x"), {"dialout"}).splitlines()
    assert lines[1:] == [
        "[Service]",
        "PrivateDevices=no",
        "DeviceAllow=/dev/ttyUSB0 rw",
        "DeviceAllow=/dev/ttyUSB1 rw",
        "SupplementaryGroups=dialout",
        "MemoryMax=64M",
    ]


def test_the_files_of_tls_come_as_credentials_each_once() -> None:
    device = """
[[device]]
name = "{name}"
transport = "tls"
host = "{name}"
ca_file = "/etc/ssl/ca.pem"
cert_file = "/home/plant/job.pem"
key_file = "/home/plant/{name}.key"
[[device.point]]
name = "p"
table = "coil"
address = 1
"""
    sink = '[sink]\nurl = "https://db"\ndatabase = "edge"\nca_file = "/etc/ssl/ca.pem"\n'
    text = sink + "".join(device.format(name=name) for name in "ab")
    lines = drop_in("acquisition", parse("acquisition", text, "x")).splitlines()
    handed = [line for line in lines if line.startswith("LoadCredential=")]
    assert handed == [
        "LoadCredential=%%2Fetc%%2Fssl%%2Fca.pem:/etc/ssl/ca.pem",
        "LoadCredential=%%2Fhome%%2Fplant%%2Fjob.pem:/home/plant/job.pem",
        "LoadCredential=%%2Fhome%%2Fplant%%2Fa.key:/home/plant/a.key",
        "LoadCredential=%%2Fhome%%2Fplant%%2Fb.key:/home/plant/b.key",
    ]
    # Where a file is missing, the job starts all the same and says so.
    blank = [line.removesuffix(r":\n") for line in lines if line.startswith("SetCredential=")]
    assert blank == [f"Set{line[4:].partition(':')[0]}" for line in handed]


def test_a_login_program_s_secrets_come_as_a_credential() -> None:
    text = 'url = "https://example.edu/"\n[login]\ncommand = ["/x"]\n'
    assert drop_in("keepalive", parse("keepalive", text, "x")) == ""
    lines = drop_in("keepalive", parse("keepalive", text + 'secrets = "/etc/a"', "x")).splitlines()
    assert lines[1] == "[Service]"
    assert lines[2].startswith("ExecStartPost=")  # which tidies up after systemd
    assert lines[3:] == [r"SetCredential=login:\n", "LoadCredential=login:/etc/a"]


def test_a_page_s_certificates_come_as_a_credential() -> None:
    text = 'url = "https://example.edu/"\nca_file = "/etc/a.pem"\n'
    lines = drop_in("keepalive", parse("keepalive", text, "x")).splitlines()
    assert lines[-1] == "LoadCredential=%%2Fetc%%2Fa.pem:/etc/a.pem"


def test_a_command_s_user_and_schedule_are_systemd_s_to_know() -> None:
    job = Job("command", "backup")
    text = 'command = ["/x"]\n'
    assert set(render_units(job, parse("command", text, "x")).values()) == {""}
    text += 'user = "alice"\nschedule = "Mon..Fri 03:00"\n'
    texts = render_units(job, parse("command", text, "x"))
    assert {"User=alice", "DynamicUser=no"} <= set(texts[job.drop_in_path].splitlines())
    assert "OnCalendar=Mon..Fri 03:00" in texts[job.timer_path].splitlines()
    assert set(render_units(job, None)) == set(texts)


def test_a_secret_is_masked_and_all_else_stays() -> None:
    text = """# sink
[sink]
token = "s3cret"  # of the bucket
url = "http://a.example"
[headers]
Authorization = "s3cret"
x = { deep = ["s3cret"] }
"""
    masked = mask(text, ["sink.token", "headers", "sink.password", "url.x", "nowhere.at.all"])
    assert "s3cret" not in masked
    values = tomllib.loads(masked)
    assert values["sink"] == {"token": "***", "url": "http://a.example"}
    assert values["headers"] == {"Authorization": "***", "x": {"deep": "***"}}
    assert masked.startswith("# sink\n[sink]\n")
    assert "# of the bucket" in masked
