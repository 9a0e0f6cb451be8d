import os
from pathlib import Path

import pytest

from sja_units import job
from sja_units.config.job_file import MAX_BYTES
from sja_units.errors import NoSuchJob, UsageError
from sja_units.job import Job
from sja_units.jobs.inventory import Head, cut_head, parse_selector, read_head, select

TITLES = {
    Job("acquisition", "line1"): "1号线",
    Job("acquisition", "line2"): "2号线",
    Job("keepalive", "alice"): "Alice",
    Job("keepalive", "line1"): "",
}


def pick(*words: str) -> list[str]:
    return [str(job) for job in select([parse_selector(word) for word in words], TITLES)]


def test_ways_to_name_a_job() -> None:
    assert pick("keepalive/alice") == pick("alice") == pick("sja-keepalive@alice.service")
    assert pick("line?") == ["acquisition/line1", "acquisition/line2", "keepalive/line1"]
    assert pick("*号线") == ["acquisition/line1", "acquisition/line2"]
    assert pick("keepalive/*") == ["keepalive/alice", "keepalive/line1"]
    assert pick("alice", "a*") == ["keepalive/alice"]


def test_a_name_of_two_kinds_is_not_guessed() -> None:
    with pytest.raises(UsageError, match=r"acquisition/line1.*keepalive/line1"):
        pick("line1")


@pytest.mark.parametrize("words", ["bob", "keepalive/line2", "b*", "sja-keepalive@bob.service"])
def test_nobody_of_that_name(words: str) -> None:
    with pytest.raises(NoSuchJob):
        pick(words)


@pytest.mark.parametrize("words", ["../x", "a/b", "x/y/z", "", "-x", "1号线", "sja-x@y.service"])
def test_words_that_can_name_no_job(words: str) -> None:
    with pytest.raises(UsageError):
        parse_selector(words)


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ('title = "a"\n[sink]\nurl = "x"\n', 'title = "a"\n'),
        ("a = 1\n", "a = 1\n"),
        ("a = [\n[1, 2],\n[3]]\n[t]\n", None),
        ('a = """\n[x]\n"""\ntitle = "b"\n', None),
        ("", ""),
    ],
)
def test_the_head_holds_all_top_level_keys(text: str, head: str | None) -> None:
    assert cut_head(text) == (text if head is None else head)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of acquisition/line1."""
    monkeypatch.setattr(job, "CONFIG_ROOT", str(tmp_path))
    path = tmp_path / "acquisition/line1.toml"
    path.parent.mkdir()
    path.write_text('title = "1号线"\nrelaunch = false\n')
    return path


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o666])
def test_title_and_relaunch_count_whoever_may_change_the_file(mode: int, file: Path) -> None:
    file.chmod(mode)
    assert read_head(Job("acquisition", "line1")) == Head("1号线", False)


def test_what_is_no_plain_file_of_sane_size_has_the_defaults(file: Path) -> None:
    line1, unread = Job("acquisition", "line1"), Head("", True)
    text = file.read_text()
    file.write_text(text + "#" * MAX_BYTES)
    assert read_head(line1) == unread
    file.write_text(text)
    file.rename(f"{file}.real")
    assert read_head(line1) == unread
    file.symlink_to(f"{file}.real")
    assert read_head(line1) == unread
    file.unlink()
    os.mkfifo(file)
    assert read_head(line1) == unread
