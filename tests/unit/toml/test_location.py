"""Faults in people's words: the tables by name, those that are alike once."""

import pytest

from sja_units.config.job_file import parse
from sja_units.errors import ConfigError
from sja_units.toml.location import format_key, name_place

DEVICES = {"device": [{"name": "press1", "point": [{"name": "a"}, {"name": "温度"}]}, {}]}


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (("interval",), "interval"),
        (("alive", "status"), "alive.status"),
        (("device", 0, "host"), 'device "press1": host'),
        (("device", 0), 'device "press1"'),
        (("device", 0, "point", 1, "address"), 'device "press1" point "温度": address'),
        (("device", 1, "host"), "device.1.host"),
        (("device", 0, "tags", "a b"), 'device "press1": tags."a b"'),
        (("device", 7, "host"), "device.7.host"),
        ((), ""),
    ],
)
def test_places_are_named_as_people_know_them(place: tuple[str | int, ...], name: str) -> None:
    assert name_place(place, DEVICES) == name


def test_tables_that_share_a_name_are_counted() -> None:
    twins = {"device": [{"name": "a"}, {"name": "a"}]}
    assert name_place(("device", 1, "host"), twins) == "device.1.host"


def test_a_key_is_written_as_set_takes_it() -> None:
    assert format_key(("device", 0, "point", 1, "address")) == "device.0.point.1.address"


def test_faults_that_are_alike_are_told_once() -> None:
    point = '[[device.point]]\nname = "p{}"\ntable = "coil"\nadress = {}\n'
    head = '[sink]\ntype = "local"\n[[device]]\nname = "a"\nhost = "h"\n'
    with pytest.raises(ConfigError) as caught:
        parse("acquisition", head + "".join(point.format(i, i) for i in range(40)), "x.toml")
    lines = str(caught.value).splitlines()
    assert len(caught.value.faults) == 80
    assert len(lines) == 2
    assert all("39 more" in line for line in lines)
    assert any("did you mean 'address'?" in line for line in lines)
