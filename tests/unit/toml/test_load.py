"""TOML that is none, told so that people find the fault."""

import time

import pytest

from sja_units.errors import ConfigError, FaultLine
from sja_units.toml.load import load_toml


def fault_of(text: str) -> FaultLine:
    with pytest.raises(ConfigError) as caught:
        load_toml(text, "x.toml")
    (fault,) = caught.value.faults
    return fault


@pytest.mark.parametrize(
    ("line", "wrong", "right"),
    [
        ('interval ＝ "15min"', "＝", "="),
        ("interval = “15min”", "“", '"'),
        ('title = "a"　', "\u3000", " "),
        ("［sink］", "［", "["),
        ("status = [200，302]", "，", ","),
        ("address ＝ １０", "＝", "="),
        ("address = １０", "１", "1"),
    ],
)
def test_letters_of_an_input_method_are_named(line: str, wrong: str, right: str) -> None:
    fault = fault_of(f'url = "http://a/"\n{line}\n')
    assert fault.line == 2
    assert repr(wrong) in fault
    assert repr(right) in fault


def test_letters_within_a_string_are_not_to_blame() -> None:
    fault = fault_of('title = "海天，“1” ＝" x\n')
    assert fault.line == 1
    assert "ASCII" not in fault


def test_the_place_comes_first() -> None:
    assert fault_of("a = 1\n\nb c = 2\n").startswith("line 3: ")


@pytest.mark.parametrize("text", ['x = "', "x = [1,", "[[a", '"""'])
def test_what_ends_too_early(text: str) -> None:
    assert fault_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".b" * 350_000 + " = 1",
        "a" + " . b" * 150_000 + " = 1",
        "[" + "a." * 350_000 + "b]",
        "a." + '"b".' * 150_000 + "c = 1",
        "x = { a" + ".b" * 350_000 + " = 1 }",
    ],
)
def test_deep_keys_cost_nothing(text: str) -> None:
    began = time.process_time()
    fault = fault_of(text)
    assert fault.line == 1
    assert time.process_time() - began < 20  # of its own CPU; tomllib would need hours


@pytest.mark.parametrize(
    "text",
    [
        'body = "' + "a." * 1000 + '"',
        "# " + "." * 1000,
        "x = [" + "0.5, " * 1000 + "]",
        "x = 1 # " + "a. " * 1000,
        "x = " + "a" * 0 + '"' + "\\\\." * 500 + '"',
    ],
)
def test_dots_elsewhere_are_no_deep_key(text: str) -> None:
    assert load_toml(text, "x.toml") or text.startswith("#")
