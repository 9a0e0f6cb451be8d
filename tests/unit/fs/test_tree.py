"""Folders as deep as a job likes to make them."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.fs.tree import remove_tree, walk

DEPTH = 1200  # beyond the longest path and the deepest recursion


def dig(path: Path, depth: int = DEPTH) -> None:
    path.mkdir()
    folder = os.open(path, os.O_RDONLY)
    for i in range(depth):
        os.mkdir("nested", dir_fd=folder)
        os.close(os.open(f"file{i}", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        inner = os.open("nested", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)


@pytest.mark.slow
@pytest.mark.slow
def test_a_deep_folder_is_walked_and_removed(tmp_path: Path) -> None:
    dig(tmp_path / "deep")
    assert sum(1 for _ in walk(str(tmp_path / "deep"))) == 2 * DEPTH
    remove_tree(str(tmp_path / "deep"))
    assert not (tmp_path / "deep").exists()


def test_what_a_cut_left_is_removed_by_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dig(tmp_path / "deep", 50)
    left, rmdir = [20], os.rmdir

    def fail_later(name: str, *, dir_fd: int | None = None) -> None:
        left[0] -= 1
        if not left[0]:
            raise OSError(5, "Input/output error")
        rmdir(name, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", fail_later)
        with pytest.raises(OSError, match="Input/output"):
            remove_tree(str(tmp_path / "deep"))
    remove_tree(str(tmp_path / "deep"))
    assert not (tmp_path / "deep").exists()


def test_no_link_is_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    job = tmp_path / "job"
    (job / "inner").mkdir(parents=True)
    (job / "folder").symlink_to(precious)
    (job / "inner/folder").symlink_to(precious)
    (job / "inner/file").symlink_to(precious / "file")
    os.mkfifo(job / "inner/pipe")
    assert sum(stat.S_ISREG(status.st_mode) for status in walk(str(job))) == 0
    remove_tree(str(job))
    assert (precious / "file").read_text() == "kept"
    (tmp_path / "link").symlink_to(precious)
    for work in (remove_tree, lambda path: list(walk(path))):
        with pytest.raises(OSError):  # noqa: PT011  # whichever the kernel says
            work(str(tmp_path / "link"))
    assert (precious / "file").exists()


TREES = st.recursive(
    st.just(None), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@given(tree=st.dictionaries(st.sampled_from("abc"), TREES, max_size=3))
def test_all_that_is_there_is_found_and_removed(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]
) -> None:
    top = tmp_path_factory.mktemp("tree") / "top"
    _make(top, tree)
    found = sorted(status.st_ino for status in walk(str(top)))
    assert found == sorted(path.lstat().st_ino for path in top.rglob("*"))
    remove_tree(str(top))
    assert not top.exists()


def _make(path: Path, tree: object) -> None:
    if isinstance(tree, dict):
        path.mkdir()
        for name, inner in tree.items():
            _make(path / name, inner)
    else:
        path.touch()
