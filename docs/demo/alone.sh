#!/bin/sh
# Runs a command, as root, in a mount namespace of its own whose root is this one. In a chroot that
# makes a difference: the kernel allows nobody in there a user namespace, and units want those.
# Usage: alone.sh COMMAND...
set -eu

# shellcheck disable=SC2016  # for the inner shell
exec unshare --mount --propagation unchanged -- \
    nsenter --mount=/proc/self/ns/mnt --wd=/ -- /bin/sh -euc '
        mount --make-rprivate /
        if [ "$(stat -L -c %d:%i /)" != "$(stat -L -c %d:%i .)" ]; then
            place=$(pwd -P)
            mount -n --rbind "$place" "$place"
            cd "$place"
            mount -n --move . /
            exec chroot . "$@"
        fi
        exec "$@"' sh "$@"
