"""Debian's kernel for a virtual machine: its packages are unpacked, nothing is installed."""

import platform
import shutil
import tempfile
from pathlib import Path

from tests.machines.cache import build_once, digest
from tests.machines.process import LabError, run_tool
from tests.machines.trees import mirrors, say

# The cloud kernel is the smallest. It knows an NVMe disk by itself, but qemu's sometimes stops
# answering (it misses a doorbell), and then the machine finds no root: hence virtio, and an initrd.
_PACKAGES = ("linux-image-cloud-amd64", "kmod", "busybox-static")
_MODULES = ("failover", "net_failover", "virtio*")
_INIT = Path(__file__).with_name("initrd-init")


def kernel(suite: str) -> Path:
    """Return a folder with `vmlinuz`, `initrd` and a machine's layer with the modules, `layer`."""
    if platform.machine() != "x86_64":
        raise LabError(f"the virtual machine is an x86-64 PC, and this is {platform.machine()}")

    def build(new: Path) -> None:
        say(f"fetching Debian {suite}'s kernel, once ...")
        root = new / "root"
        command = ["mmdebstrap", "--variant=extract", "--format=directory"]
        command += [f"--include={','.join(_PACKAGES)}", suite, str(root), *mirrors(suite)]
        run_tool(command, f"fetching the kernel of Debian {suite}")
        (image,) = (root / "boot").glob("vmlinuz-*")
        version = image.name.removeprefix("vmlinuz-")
        _keep_modules(root / "lib/modules" / version)
        run_tool(["chroot", str(root), "/sbin/depmod", version], "listing the kernel's modules")
        (new / "layer/usr/lib").mkdir(parents=True)
        image.rename(new / "vmlinuz")
        (root / "lib/modules").rename(new / "layer/usr/lib/modules")
        _pack_initrd(new / "layer/usr/lib", root / "bin/busybox", new / "initrd")
        shutil.rmtree(root)

    key = digest(*_PACKAGES, *_MODULES, _INIT.read_text())
    return build_once(f"kernel-{suite}", key, build)


def _pack_initrd(modules: Path, busybox: Path, initrd: Path) -> None:
    """Pack what mounts the system's disk: a shell, the modules, and the words for them."""
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch)
        for name in ("dev", "lib", "root"):
            (top / name).mkdir()
        shutil.copytree(modules, top / "lib", dirs_exist_ok=True)
        shutil.copy(busybox, top)
        shutil.copy(_INIT, top / "init")
        (top / "init").chmod(0o755)
        pack = 'cd "$1" && find . | cpio --quiet --create --format=newc --file "$2"'
        run_tool(["sh", "-euc", pack, "sh", scratch, str(initrd)], "packing an initrd")


def _keep_modules(folder: Path) -> None:
    """Leave only what this machine's devices need, so that its disk is soon made."""
    for module in folder.rglob("*.ko*"):
        if not any(module.match(f"{name}.ko*") for name in _MODULES):
            module.unlink()
