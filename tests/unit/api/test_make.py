"""A job's file from a template: whole, sealed, and told apart from one that was edited."""

import tomllib

import jsonschema
import pytest

from sja_units.api.fill import Rule
from sja_units.api.make import Unfit, make_file
from sja_units.api.templates import Template, parse_template
from sja_units.config.job_file import parse
from sja_units.config.origin import is_edited
from sja_units.config.schema import make_schema
from sja_units.jobs.inventory import parse_head

WHERE = "/etc/sja-units/templates/booking.toml"
TEMPLATE = """
[template]
kind = "keepalive"
[template.open]
title = {}
interval = { min = "5min", max = "1h" }
"headers.Referer" = {}
[job]
url = "https://sports.example.edu/api/user/current"
[job.alive]
status = [200]
"""


@pytest.fixture
def template() -> Template:
    return parse_template(TEMPLATE, WHERE)


@pytest.mark.parametrize(
    "title", ["", "张三", 'a "b" \\ # [x]', "[template]", "template = {}", "'''", "${x} %n %i"]
)
def test_the_file_says_the_template_and_the_values(template: Template, title: str) -> None:
    made = make_file(template, {"title": title, "headers.Referer": "http://h/"})
    read = parse("keepalive", made.text, WHERE)
    assert read.title == title
    assert read.origin is not None
    assert (read.origin.template, read.origin.values["title"]) == ("booking", title)
    assert parse_head(made.text).template == "booking"
    assert not is_edited(read.origin, made.text)
    again = make_file(template, read.origin.values, read.origin.created)
    assert again.text == made.text


@pytest.mark.parametrize(
    ("old", "new"), [("200", "201"), ('"booking"', '"other"'), ('"x"', '"y"'), ("\n", "\n# mine\n")]
)
def test_a_change_by_hand_shows(template: Template, old: str, new: str) -> None:
    made = make_file(template, {"title": "x"})
    text = made.text.replace(old, new, 1)
    assert text != made.text
    origin = parse("keepalive", text, WHERE).origin
    assert origin is not None
    assert is_edited(origin, text)


def test_all_faults_are_told_at_once_by_their_keys(template: Template) -> None:
    with pytest.raises(Unfit) as caught:
        make_file(template, {"interval": "1s", "url": "x", "headers.Referer": "\u4e2d", "title": 1})
    assert {fault.key for fault in caught.value.faults} == {
        *("interval", "url", "headers.Referer", "title"),
    }


def test_the_file_fits_the_schema_of_its_kind(template: Template) -> None:
    template.open["alive.status"] = Rule()
    values = {"title": "x", "interval": "10min", "alive.status": [200, 204]}
    made = make_file(template, values)
    jsonschema.validate(tomllib.loads(made.text), make_schema("keepalive"))
