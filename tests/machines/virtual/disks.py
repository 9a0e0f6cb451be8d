"""Disks for a virtual machine: files of the host, each with an ext4 file system."""

import shutil
import tempfile
from pathlib import Path

from tests.machines.cache import build_once, digest, digest_files
from tests.machines.images import installation
from tests.machines.process import run_tool
from tests.machines.trees import say, tree
from tests.machines.virtual.kernel import kernel

_GUEST = Path(__file__).with_name("guest")
_UNITS = ("sysinit.target.wants/lab-setup.service", "multi-user.target.wants/lab-agent.service")
# Without udev nobody ever sees the devices that gettys wait for.
_MASKED = ("getty@tty1.service", "serial-getty@ttyS0.service", "e2scrub_reap.service")
_MODULES = "virtio_pci\nvirtio_blk\nvirtio_net\nvirtio_console\n"
_SYSTEM_SIZE = "1200M"
# Written whole, so that the guest's kernel has nothing to do there by itself.
_MAKE = ("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0")
_MERGE = """
mount -t tmpfs tmpfs /run
mkdir /run/merged
mount -t overlay overlay -o "lowerdir=$1" /run/merged
shift
exec "$@"
"""


def system_disk(suite: str) -> Path:
    """Return a disk with sja-units freshly installed, made once for each state of the checkout."""
    layers = [kernel(suite) / "layer", installation(suite) / "upper", tree(suite)]
    own = digest_files(_GUEST.parent, [Path(__file__), *_GUEST.iterdir()])
    key = digest(own, *(str(layer) for layer in layers))

    def build(new: Path) -> None:
        say(f"making a disk with sja-units on Debian {suite}, once for this state ...")
        with tempfile.TemporaryDirectory() as scratch:
            _lay_out(Path(scratch))
            lower = ":".join(map(str, [scratch, *layers]))
            make = [*_MAKE, "-d", "/run/merged", str(new / "image"), _SYSTEM_SIZE]
            words = ["unshare", "--mount", "sh", "-euc", _MERGE, "sh", lower, *make]
            run_tool(words, "making the disk of a virtual machine")

    return build_once(f"disk-{suite}", key, build) / "image"


def make_disk(path: Path, size: str) -> None:
    """Make an empty disk at PATH."""
    run_tool([*_MAKE, str(path), size], "making an empty disk")


def copy_disk(source: Path, target: Path) -> None:
    """Copy a disk, without the room that it does not use."""
    words = ["cp", "--sparse=always", "--reflink=auto", str(source), str(target)]
    run_tool(words, "copying a disk")


def extract(image: Path, target: Path) -> None:
    """Copy what is on a disk whose power went, after its repair, to a new folder."""
    # 1: something was mended, the journal to begin with; more than that, and the disk is broken.
    run_tool(["sh", "-euc", 'e2fsck -fy "$1" || [ $? -eq 1 ]', "sh", str(image)], "e2fsck")
    target.mkdir()
    run_tool(["debugfs", "-R", f"rdump / {target}", str(image)], "reading a disk")


def _lay_out(layer: Path) -> None:
    """Make the layer that turns files for a container into those of this machine."""
    layer.chmod(0o755)
    shutil.copytree(_GUEST, layer / "lab")
    (layer / "lab/setup.sh").chmod(0o755)
    units = layer / "etc/systemd/system"
    for path in _UNITS:
        place = units / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(f"/lab/{place.name}")
        (units / place.name).symlink_to(f"/lab/{place.name}")
    for name in _MASKED:
        (units / name).symlink_to("/dev/null")
    (layer / "etc/modules-load.d").mkdir(parents=True)
    (layer / "etc/modules-load.d/lab.conf").write_text(_MODULES)
