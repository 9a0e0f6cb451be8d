import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sja_units.keepalive.cookie import Cookie, Jar, dump, load
from sja_units.keepalive.store import load_jar, publish, read_next_jar, save_jar, take_incoming
from tests.waiting import PATIENCE, wait_for_change

HOST = "example.edu"
SAVER = """
import sys
from sja_units.keepalive.cookie import Cookie
from sja_units.keepalive.store import save_jar
n = 0
while True:
    n += 1
    save_jar(sys.argv[1], tuple(Cookie(f"c{i}", str(n), "example.edu") for i in range(50)))
"""


def jar_of(value: str) -> Jar:
    return (Cookie("sid", value, HOST),)


def values(folder: Path) -> dict[str, str]:
    """Return the value in each jar's file."""
    return {path.name: load(path.read_bytes())[0].value for path in folder.glob("jar.json*")}


def test_three_generations_are_kept(tmp_path: Path) -> None:
    for n in range(6):
        save_jar(str(tmp_path), jar_of(str(n)))
    assert values(tmp_path) == {
        "jar.json": "5",
        "jar.json.1": "4",
        "jar.json.2": "3",
        "jar.json.3": "2",
    }
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())


@pytest.mark.slow
def test_a_kill_leaves_a_whole_jar_and_whole_generations(tmp_path: Path) -> None:
    save_jar(str(tmp_path), tuple(Cookie(f"c{i}", "0", HOST) for i in range(50)))
    newest = 0
    for i in range(12):
        process = subprocess.Popen([sys.executable, "-c", SAVER, str(tmp_path)])
        wait_for_change(tmp_path / "jar.json")
        time.sleep(0.0007 * i)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        for path in tmp_path.glob("jar.json*"):
            if path.suffix != ".new":
                jar = load(path.read_bytes())
                assert len(jar) == 50
                assert len({cookie.value for cookie in jar}) == 1
        newest = max(newest, int(load_jar(str(tmp_path))[0].value))
    assert newest > 0


@pytest.mark.parametrize("broken", [b"", b"{", b"\0" * 4096, b'{"version": 1, "cookies": [{}]}'])
def test_a_broken_jar_gives_way_to_the_newest_good_one(
    tmp_path: Path, broken: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(3):
        save_jar(str(tmp_path), jar_of(str(n)))
    (tmp_path / "jar.json").write_bytes(broken)
    (tmp_path / "jar.json.1").write_bytes(broken)
    assert load_jar(str(tmp_path)) == jar_of("0")
    assert "<3>" in capsys.readouterr().err
    assert (tmp_path / "jar.json.bad").read_bytes() == broken
    save_jar(str(tmp_path), jar_of("new"))
    assert load_jar(str(tmp_path)) == jar_of("new")


def test_nothing_readable_is_told_and_nothing_is_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "jar.json").write_bytes(b"{")
    assert load_jar(str(tmp_path)) == ()
    assert "broken" in capsys.readouterr().err
    assert (tmp_path / "jar.json.bad").read_bytes() == b"{"


def test_a_save_that_fails_again_and_again_costs_no_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(5):
        save_jar(str(tmp_path), jar_of(str(n)))
    # A folder in the way of the temporary file stands for a disk that takes nothing new.
    (tmp_path / "jar.json.new").mkdir()
    for _ in range(5):
        with pytest.raises(OSError, match="directory"):
            save_jar(str(tmp_path), jar_of("lost"))
    (tmp_path / "jar.json.new").rmdir()
    assert load_jar(str(tmp_path)) == jar_of("4")
    assert len(set(values(tmp_path).values())) == 3


def test_a_given_jar_wins_exactly_once(tmp_path: Path) -> None:
    save_jar(str(tmp_path), jar_of("old"))
    (tmp_path / "incoming.txt").write_text("Cookie: sid=given")
    given = take_incoming(str(tmp_path), HOST).jar
    assert given is not None
    assert load_jar(str(tmp_path)) == given
    save_jar(str(tmp_path), jar_of("moved"))
    assert take_incoming(str(tmp_path), HOST).jar is None
    assert load_jar(str(tmp_path)) == jar_of("moved")
    assert not list(tmp_path.glob("given*"))
    assert "old" in values(tmp_path).values()


def test_a_kill_while_taking_loses_neither_the_given_jar_nor_a_newer_one(tmp_path: Path) -> None:
    (tmp_path / "incoming.taken").write_text("sid=first")
    (tmp_path / "incoming.txt").write_text("sid=second")
    for value in ("first", "second"):
        given = take_incoming(str(tmp_path), HOST).jar
        assert given is not None
        assert given[0].value == value
    assert load_jar(str(tmp_path))[0].value == "second"


@pytest.mark.parametrize("text", ["", "nonsense", "[" * 100_000, "x" * 2_000_000])
def test_a_given_file_that_is_no_jar_is_kept_aside(tmp_path: Path, text: str) -> None:
    save_jar(str(tmp_path), jar_of("old"))
    (tmp_path / "incoming.txt").write_text(text)
    given = take_incoming(str(tmp_path), HOST)
    assert given.jar is None
    assert "incoming.bad" in given.fault
    assert (tmp_path / "incoming.bad").read_text() == text
    assert take_incoming(str(tmp_path), HOST).fault == ""
    assert load_jar(str(tmp_path)) == jar_of("old")


def test_a_given_jar_is_not_read_through_a_link_or_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("sid=stolen")
    (tmp_path / "incoming.txt").symlink_to(tmp_path / "elsewhere")
    assert take_incoming(str(tmp_path), HOST).fault
    os.mkfifo(tmp_path / "incoming.txt")
    assert take_incoming(str(tmp_path), HOST).fault


def test_readers_of_the_published_jar_never_see_a_part(tmp_path: Path) -> None:
    published = tmp_path / "cookies"
    publish(str(published), jar_of("nobody asked for it"))
    assert not published.exists()
    published.mkdir()
    publish(str(published), jar_of("1"))
    with (published / "cookies.txt").open() as reader:
        publish(str(published), jar_of("2"))
        assert reader.read().endswith("sid\t1\n")
    assert (published / "cookies.txt").read_text().endswith("sid\t2\n")
    assert stat.S_IMODE((published / "cookies.txt").stat().st_mode) == 0o640
    assert [path.name for path in published.iterdir()] == ["cookies.txt"]


def test_dump_is_text_that_a_person_can_read() -> None:
    assert b'"name": "sid"' in dump(jar_of("x"))


def test_what_was_given_is_the_jar_to_come(tmp_path: Path) -> None:
    folder, host = str(tmp_path), "example.edu"
    save_jar(folder, (Cookie("s", "old", host),))
    assert [c.value for c in read_next_jar(folder, host)] == ["old"]
    (tmp_path / "incoming.txt").write_text("s=given")
    assert [c.value for c in read_next_jar(folder, host)] == ["given"]
    (tmp_path / "incoming.taken").write_text("s=earlier")
    assert [c.value for c in read_next_jar(folder, host)] == ["given"]
    (tmp_path / "incoming.txt").write_text("no jar")
    assert [c.value for c in read_next_jar(folder, host)] == ["earlier"]
    assert sorted(os.listdir(folder)) == ["incoming.taken", "incoming.txt", "jar.json"]
