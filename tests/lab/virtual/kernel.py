"""Debian's kernel for a virtual machine: its packages are unpacked, nothing is installed."""

import platform
import shutil
from pathlib import Path

from tests.lab.cache import build_once, digest
from tests.lab.process import LabError, run_tool
from tests.lab.trees import mirrors, say

# The cloud kernel is the smallest, and knows an NVMe disk and ext4 by itself: no initrd is needed.
_PACKAGES = ("linux-image-cloud-amd64", "kmod")
_MODULES = ("failover", "net_failover", "virtio*")


def kernel(suite: str) -> Path:
    """Return a folder with `vmlinuz` and, as a layer for a machine, `layer` with its modules."""
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
        shutil.rmtree(root)

    return build_once(f"kernel-{suite}", digest(*_PACKAGES, *_MODULES), build)


def _keep_modules(folder: Path) -> None:
    """Leave only what this machine's devices need, so that its disk is soon made."""
    for module in folder.rglob("*.ko*"):
        if not any(module.match(f"{name}.ko*") for name in _MODULES):
            module.unlink()
