import tomllib

import pytest

from sja_units.compose import compose
from sja_units.config import JobFile
from sja_units.dropin import render_drop_in
from sja_units.errors import UsageFault

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


@pytest.mark.parametrize("key", ["", ".", "a..b", "device.7.host", "interval.x", "device"])
def test_keys_that_lead_nowhere(key: str) -> None:
    if key == "device":
        key = "device.host"
    with pytest.raises(UsageFault):
        compose(TEXT, [(key, "1")])


def test_without_settings_not_a_byte_changes() -> None:
    assert compose(TEXT, []) == TEXT


def test_drop_in_holds_only_what_was_asked_for() -> None:
    assert render_drop_in(JobFile("", True, {}, None)) == ""
    text = render_drop_in(
        JobFile("", True, {"MemoryMax": ("64M",), "Environment": ("A=1", "B=2")}, None)
    )
    assert text.splitlines()[1:] == [
        "[Service]",
        "MemoryMax=64M",
        "Environment=A=1",
        "Environment=B=2",
    ]
