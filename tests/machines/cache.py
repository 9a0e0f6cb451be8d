"""What is built once and kept outside the checkout: trees, wheels, installed systems."""

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_failures: dict[Path, Exception] = {}
_UNUSED_SECONDS = 2 * 24 * 3600


def lab() -> Path:
    """Return the folder that holds everything built once: $SJA_LAB or its default."""
    return Path(os.environ.get("SJA_LAB", "/var/cache/sja-units-lab"))


def build_once(family: str, key: str, build: Callable[[Path], None]) -> Path:
    """Return the folder FAMILY-KEY of the lab; `build` fills a new one if it is not there yet.

    Of two processes that want it at once, one builds and the other waits for it. A build that
    was cut off leaves nothing that looks complete; one that failed is not tried again by this
    process. Folders of the same family that nobody has asked for in two days go when a new one
    is built.
    """
    folder = lab()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{family}-{key}"
    with (folder / f"{family}-{key}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.utime(lock.fileno())
        if target in _failures:
            raise _failures[target].with_traceback(None)
        if not target.exists():
            _remove_unused(folder, family)
            # A name of its own: of a run that was killed, a program may still be building.
            new = Path(tempfile.mkdtemp(prefix=f"{family}-{key}.new-", dir=folder))
            new.chmod(0o755)
            try:
                build(new)
            except BaseException as error:
                shutil.rmtree(new, ignore_errors=True)
                if isinstance(error, Exception):
                    _failures[target] = error
                raise
            new.rename(target)
    return target


def digest(*parts: str) -> str:
    """Return a short key for texts: the same texts give the same key."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def digest_files(root: Path, paths: Iterable[Path]) -> str:
    """Return a short key for files: their names below `root`, whether executable, their bytes."""
    parts = []
    for path in sorted(paths):
        executable = os.access(path, os.X_OK)
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        parts.append(f"{path.relative_to(root)} {executable} {content}")
    return digest(*parts)


def _remove_unused(folder: Path, family: str) -> None:
    for lock in folder.glob(f"{family}-*.lock"):
        if _is_unused(lock):
            target = lock.with_suffix("")
            if target.exists():
                # Away under another name first: half a tree must never look whole.
                target.rename(target.with_suffix(".new-unused"))
            lock.unlink()
    for left in folder.glob(f"{family}-*.new-*"):
        if left.name.endswith(".new-unused") or _is_unused(left):
            shutil.rmtree(left, ignore_errors=True)


def _is_unused(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _UNUSED_SECONDS
