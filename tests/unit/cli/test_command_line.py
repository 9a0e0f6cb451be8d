"""What sjactl makes of the words that people type."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sja_units import cli
from sja_units.cli.verbs import doctor
from sja_units.config.load import Source, load
from sja_units.errors import ConfigError
from sja_units.job import KINDS
from tests.surroundings import without_coverage
from tests.unit.acquisition.harness import TOP
from tests.unit.cli.conftest import Sjactl


@pytest.mark.parametrize(
    ("verb", "meant"),
    [
        *(("strat", "start"), ("lisst", "list"), ("Status", "status"), ("hystory", "history")),
        *(
            ("ls", "list"),
            ("ps", "list"),
            ("rm", "remove"),
            ("log", "logs"),
            ("ｌｉｓｔ", "list"),
            ("hist", "history"),
        ),
    ],
)
def test_a_wrong_verb_gets_the_right_one(sjactl: Sjactl, verb: str, meant: str) -> None:
    said = sjactl(verb)
    assert said.status == 2
    assert f"'{meant}'" in said.err


def test_a_verb_like_no_other_gets_no_advice(sjactl: Sjactl) -> None:
    said = sjactl("xyzzy")
    assert said.status == 2
    assert "did you mean" not in said.err


@pytest.mark.parametrize("words", [["list", "--stat", "x"], ["create"], ["list", "--state", "up"]])
def test_wrong_usage_is_told_in_a_line_or_two(sjactl: Sjactl, words: list[str]) -> None:
    said = sjactl(*words)
    assert said.status == 2
    assert len(said.err.splitlines()) <= 2
    assert f"sjactl {words[0]} --help" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ["--no-color", "config", "alice"],
        ["config", "--no-color", "alice"],
        ["config", "alice", "--no-color"],
    ],
)
def test_options_of_sjactl_itself_stand_anywhere(
    sjactl: Sjactl, home: Path, words: list[str]
) -> None:
    (home / "etc/keepalive/alice.toml").write_text('url = "http://a.example/"\n')
    said = sjactl(*words)
    assert (said.status, said.out) == (0, 'url = "http://a.example/"\n')


@pytest.mark.parametrize(
    "words",
    [
        ["--host", "a b", "list"],
        ["list", "--host", "a b"],
        ["list", "--host=a b"],
        ["list", "-H", "a b"],
        ["list", "-Ha b"],
        ["import", "sja", "--url", "http://x.example/", "-H", "a b", "jobs.json"],
    ],
)
def test_a_host_can_be_named_before_and_behind_the_verb(sjactl: Sjactl, words: list[str]) -> None:
    said = sjactl(*words)
    assert said.status == 2
    assert "'a b'" in said.err


def test_an_option_s_value_is_not_taken_for_an_option(sjactl: Sjactl, home: Path) -> None:
    said = sjactl("create", "command", "x", "--title", "--host", "--no-start", "--", "/bin/true")
    assert "ssh" not in said.err
    assert "--host" not in said.err


def test_what_stands_behind_two_dashes_is_the_program_s(sjactl: Sjactl, home: Path) -> None:
    said = sjactl("create", "keepalive", "x", "--", "/bin/true", "--host", "a b")
    assert said.status == 2
    assert "ssh" not in said.err
    assert "/bin/true" in said.err


def test_a_host_that_is_not_named_is_asked_for(sjactl: Sjactl) -> None:
    said = sjactl("list", "--host")
    assert said.status == 2
    assert "--host" in said.err


def fail() -> None:
    raise ValueError("nobody thought of that")


def test_a_bug_is_told_in_short(sjactl: Sjactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", fail)
    said = sjactl("doctor")
    assert said.status == os.EX_SOFTWARE
    assert "nobody thought of that" in said.err
    assert "SJA_DEBUG" in said.err


@pytest.mark.parametrize("words", [["doctor"], ["status", "A"]])
def test_a_traceback_is_there_for_who_wants_it(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SJA_DEBUG", "1")
    monkeypatch.setattr(doctor, "examine", fail)
    assert cli.run(words)
    assert "Traceback" in capsys.readouterr().err


def list_commands() -> Iterator[tuple[str, ...]]:
    context = click.Context(cli.sjactl)
    for verb in cli.VERBS:
        command = cli.sjactl.get_command(context, verb)
        yield (verb,)
        if isinstance(command, click.Group):
            yield from ((verb, name) for name in command.commands)


@pytest.mark.parametrize("words", [(), *list_commands()], ids=" ".join)
def test_help_fits_a_terminal_and_has_an_example(sjactl: Sjactl, words: tuple[str, ...]) -> None:
    said = sjactl(*words, "--help")
    assert said.status == 0
    assert max(map(len, said.out.splitlines())) <= 80
    if words:
        assert f"sjactl {' '.join(words)}" in said.out.partition("Example:")[2]


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_a_file_that_works(sjactl: Sjactl, kind: str, tmp_path: Path) -> None:
    said = sjactl("create", kind, "--example")
    assert said.status == 0
    assert load(kind, Source(said.out, "x.toml")).file.title
    # What is commented out, too, has keys that there are.
    whole = re.sub(r"^( *)# ((\[|\w+ = ).*)$", r"\1\2", said.out, flags=re.MULTILINE)
    assert whole.count("\n") == said.out.count("\n")
    with pytest.raises(ConfigError) as caught:
        load(kind, Source(f"nonsense = 1\n{whole}", "x.toml"))
    assert [f.key for f in caught.value.faults if "unknown key" in f] == ["nonsense"]


def test_an_example_of_no_kind(sjactl: Sjactl) -> None:
    said = sjactl("create", "keepalve", "--example")
    assert said.status == 2
    assert "'keepalive'" in said.err


def test_the_list_of_verbs_says_of_each_what_its_own_help_says() -> None:
    context = click.Context(cli.sjactl)
    for verb, found in cli.VERBS.items():
        command = cli.sjactl.get_command(context, verb)
        assert command is not None
        assert command.get_short_help_str(1000) == found.summary


def test_the_list_of_verbs_loads_none_of_them() -> None:
    code = "import sys; from sja_units.cli import run; run(['--help']); print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=TOP,
        env=without_coverage(),
    )
    assert "restart" in said.stdout
    loaded = said.stdout.splitlines()[-1].split()
    assert not {name for name in loaded if name.startswith("sja_units.cli.verbs")}
    assert not {"asyncio", "dbus_next", "tomllib", "json"} & {*loaded}


def test_a_value_can_come_from_a_file(sjactl: Sjactl, tmp_path: Path) -> None:
    job = tmp_path / "a.toml"
    job.write_text('url = "http://127.0.0.1:1/me"\n')
    (tmp_path / "wrong").write_text("5 parsecs\n")
    said = sjactl("probe", str(job), "--set", f"interval=@{tmp_path}/wrong")
    assert said.status == 2
    assert "--set interval: " in said.err
    assert "5 parsecs" in said.err
    said = sjactl("probe", str(job), "--set", f"interval=@{tmp_path}/nowhere")
    assert (said.status, "nowhere" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["create", "keepalive", "x"], 2, "--url: missing"),
        (["create", "keepalive", "x", "--url", "nonsense"], 2, "--url: "),
        (["create", "keepalive", "x", "--set", "intervall=5min"], 2, "'interval'"),
        (["create", "keepalive", "x", "--set", "interval＝5min"], 2, "'＝'"),
        (["create", "keepalive", "x", "--url", "http://a/", "--interval", "１５min"], 2, "15min"),
        (["create", "command", "x"], 2, "COMMAND: missing"),
        (["create", "command", "x", "--", "/bin/slep"], 2, "/bin/slep"),
        (["create", "keepalive", "x", "--from", "{file}"], 1, "line 1: urll: "),
        (
            ["create", "keepalive", "x", "--from", "{good}", "--set", "timeout=1y"],
            2,
            "--set timeout",
        ),
        (
            ["create", "keepalive", "x", "--from", "{file}", "--set", "timeout=1y"],
            1,
            "--set timeout",
        ),
    ],
)
def test_faults_name_what_was_typed(
    sjactl: Sjactl, home: Path, words: list[str], status: int, told: str
) -> None:
    (home / "bad.toml").write_text('urll = "http://a.example/"\n')
    (home / "good.toml").write_text('url = "http://a.example/"\n')
    names = {"file": str(home / "bad.toml"), "good": str(home / "good.toml")}
    said = sjactl(*(word.format(**names) for word in words))
    assert (said.status, told in said.err) == (status, True), said.err
    assert "the command line" not in said.err
