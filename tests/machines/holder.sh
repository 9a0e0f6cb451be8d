#!/bin/sh
# Holds what one machine needs from the host: mounts in a namespace of their own, a cgroup. It is
# PID 1 of a PID namespace, and goes with all it holds as soon as its standard input ends, which
# is also when the program that wanted the machine dies, however that happens.
# Usage: holder.sh CGROUP KEPT LAYER...  (KEPT: a folder for the changes, or "" for memory)
set -eu
cgroup=/sys/fs/cgroup/$1 kept=$2
shift 2

# The sandbox of every job needs them; a chroot, unlike a container, has none to give.
unshare --user true || {
    echo 'user namespaces do not work here'
    exit 1
}

# One plain hierarchy, wherever the host has its own, and nothing of the host's running services.
# Where it is there already, the kernel refuses a second one on top.
[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/machine
cd /run/machine
mkdir root
[ -n "$kept" ] || kept=/run/machine
mkdir -p "$kept/upper" "$kept/work"

# Links with short names: no path can upset the list of options.
ln -s "$kept" kept
lower=''
for layer in "$@"; do
    ln -s "$layer" "layer$#"
    lower="$lower${lower:+:}layer$#"
    shift
done
mount -t overlay overlay -o "lowerdir=$lower,upperdir=kept/upper,workdir=kept/work" root
mkdir "$cgroup"
echo ready

order=''
read -r order || true
if [ "$order" = keep ]; then
    # Stay until the machine has been powered off by whoever is told how to enter it.
    exec >/dev/null 2>&1
    while grep -q 'populated 1' "$cgroup/cgroup.events"; do sleep 1; done
else
    kill -KILL -1 2>/dev/null || true
fi
tries=0
until ! [ -d "$cgroup" ] || find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || break
    sleep 0.05
done
