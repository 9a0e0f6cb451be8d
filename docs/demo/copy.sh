# shellcheck shell=sh
# Part of run.sh, where programs are missing: installs them into a copy of this host's files that
# lives in memory, over the real ones, and goes on in there. The host's apt sources are used, its
# files only read, and there is no way from the copy to its services.

: "${here:?}" "${checkout:?}" "${missing?}"

# What of the host may be a file system of its own, and has to be there for apt and Python.
places='/usr /usr/local /var /var/lib /var/cache /var/log /var/tmp /opt /srv /home /root'

# layer PATH: shows a folder of the host in the copy, where it can be written to.
layer() {
    layers=$((layers + 1))
    upper=$memory/layers/$layers work=$memory/work/$layers
    mkdir -p -- "$upper" "$work"
    chmod --reference="$1" -- "$upper"
    mount -n -t overlay -o "lowerdir=$1,upperdir=$upper,workdir=$work" overlay "$root$1" ||
        fail "no copy of $1 can be made here; install $missing, then run this again"
}

bind() {
    mkdir -p -- "$root$1"
    mount -n --bind -- "$1" "$root$1"
}

mount_copy() {
    mkdir -p -- "$root"
    layer /
    for place in $places; do
        if mountpoint -q "$place"; then layer "$place"; fi
    done
    for part in /proc /sys /dev; do
        mount -n --rbind -- "$part" "$root$part"
    done
    # No socket of any service here: nothing in the copy can talk to one.
    mount -n -t tmpfs -o mode=0755 tmpfs "$root/run"
    for file in /etc/resolv.conf /etc/hosts /etc/hostname; do
        [ ! -e "$file" ] || cp --remove-destination -L -- "$file" "$root$file"
    done
    bind "$checkout"
    mount -n -o remount,bind,ro "$root$checkout"
    bind "$SJA_LAB"
}

# Changes only with the host's packages, and with what has to be added to them.
key() {
    {
        echo "$missing"
        for place in $places; do mountpoint "$place" || :; done
        cat /var/lib/dpkg/status
    } | sha256sum | cut -c 1-12
}

install_missing() {
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 0755 "$root/usr/sbin/policy-rc.d"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2016,SC2086  # for the inner shell; a list of names
    await "programs that are missing here" chroot "$root" /bin/sh -c '
        install() {
            apt-get -q -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io \
                install --yes --no-install-recommends "$@"
        }
        install "$@" || { apt-get -q update && install "$@"; }' sh $missing
}

# Kept for the next time as a file: no file system of the host may be able to hold such layers.
keep_layers() {
    rm -f -- "$SJA_LAB"/demo-copy-*.tar
    tar --create --file "$kept.$$" --directory "$memory" --xattrs --xattrs-include='trusted.*' \
        --exclude='layers/*/archives/*.deb' --exclude='layers/*/apt/*.bin' \
        --exclude='layers/*/apt/lists/*' layers
    mv -- "$kept.$$" "$kept"
}

# continue_in_copy ARGUMENTS: run.sh once more, where all is there.
continue_in_copy() {
    command -v apt-get >/dev/null || fail "missing here: $missing; install that, then run this again"
    say "This host lacks $missing"
    say "They go into a copy of its files in memory, which is gone after the demo."
    memory=$SJA_LAB/demo-memory root=$SJA_LAB/demo-memory/root layers=0
    kept=$SJA_LAB/demo-copy-$(key).tar
    mkdir -p -- "$memory"
    mount -n -t tmpfs -o mode=0755 tmpfs "$memory"
    if [ -e "$kept" ]; then
        tar --extract --file "$kept" --directory "$memory" --xattrs --xattrs-include='trusted.*'
        mount_copy
        say "programs that are missing here: kept from the last time"
    else
        mount_copy
        install_missing
        keep_layers
    fi
    export SJA_DEMO_COPY=yes
    cd -- "$root" || exit
    mount -n --move . /
    exec chroot . /bin/sh "$here/run.sh" "$@"
}
