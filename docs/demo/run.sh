#!/bin/sh
# Gives the demo: sja-units on a disposable machine, on any Debian 12 or 13, whether systemd runs
# there or not. The host stays as it is: all mounts are in a namespace that ends with the demo,
# and programs that the host lacks go into a copy of its files in memory (copy.sh).
set -eu

usage() {
    cat <<'TEXT'
Usage: ./install.sh --demo [--keep]

Shows sja-units at work in a disposable machine: jobs are created, killed, hung, and survive a
power cut. This host stays as it is; only /var/cache/sja-units-lab ($SJA_LAB) is written.
--keep  leave the machine running at the end, and tell how to enter it
TEXT
}

fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

say() {
    printf '   %s\n' "$*"
}

parse_arguments() {
    for argument in "$@"; do
        case $argument in
            --keep) ;;
            -h | --help) usage; exit 0 ;;
            *) printf "demo: unknown argument '%s'; see ./install.sh --demo --help\n" "$argument" >&2
                exit 2 ;;
        esac
    done
}

# A container's root may be none: mounts are refused, or (CAP_NET_ADMIN) a network of one's own.
may_all() {
    may=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
    [ $((0x$may & 0x1000)) -ne 0 ] && /bin/sh "$here/alone.sh" true 2>/dev/null
}

# Goes on as root, in a mount namespace of its own.
become_alone() {
    [ -z "${SJA_DEMO_ALONE-}" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "machines need root and there is no sudo; run it as root"
        exec sudo -- ${SJA_LAB:+"SJA_LAB=$SJA_LAB"} /bin/sh "$here/run.sh" "$@"
    fi
    may_all || fail "root may not do all here; if this is a container, it has to be a privileged one"
    SJA_DEMO_ALONE=yes exec /bin/sh "$here/alone.sh" /bin/sh "$here/run.sh" "$@"
}

missing_packages() {
    if ! "$python" -Ic 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo python3 python3-venv
    elif ! "$python" -Ic 'import ensurepip, venv' 2>/dev/null; then
        echo python3-venv
    fi
    command -v systemd-nspawn >/dev/null || echo systemd-container
    command -v mmdebstrap >/dev/null || echo mmdebstrap
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
}

stop() {
    if [ -n "$child" ]; then
        kill -KILL "$child" || : # its PID namespace ends with it
        remove_unfinished
    fi
    rm -f -- "$log"
    printf '\nstopped\n'
    exit "$1"
}

# Who builds something holds its lock.
remove_unfinished() {
    for left in "$SJA_LAB"/*.new-*; do
        [ ! -d "$left" ] ||
            flock --timeout 3 "${left%.new-*}.lock" rm -rf --one-file-system -- "$left" || :
    done
}

# await WHAT COMMAND...: runs a command that may take long; nothing of it outlives us.
await() {
    what=$1 log=$SJA_LAB/demo-$$.log began=$(date +%s)
    shift
    : >"$log"
    unshare --pid --fork --kill-child -- /bin/sh "$here/await.sh" "$what" "$log" "$@" &
    child=$! status=0
    wait "$child" || status=$?
    child=''
    if [ "$status" -ne 0 ]; then
        tail -n 20 -- "$log" >&2
        rm -f -- "$log"
        fail "$what: that did not work, see above"
    fi
    rm -f -- "$log"
    say "$what: ready after $(($(date +%s) - began)) s"
}

main() {
    here=$(dirname -- "$(readlink -f -- "$0")")
    checkout=$(dirname -- "$(dirname -- "$here")")
    python=/usr/bin/python3 child='' log=''
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    LC_ALL=C.UTF-8
    export PATH LC_ALL
    parse_arguments "$@"
    become_alone "$@"
    trap 'stop 129' HUP
    trap 'stop 130' INT
    trap 'stop 143' TERM
    mkdir -p -- "${SJA_LAB:=/var/cache/sja-units-lab}"
    SJA_LAB=$(readlink -f -- "$SJA_LAB")
    export SJA_LAB

    missing=$(missing_packages | tr '\n' ' ' | sed 's/ $//')
    if [ -z "${SJA_DEMO_COPY-}" ]; then
        printf 'sja-units, shown on a disposable machine. This host stays as it is: what is\n'
        printf 'downloaded and built is in %s (rm -r deletes it).\n' "$SJA_LAB"
        printf '\n1  What a machine is made of\n'
        if [ -n "$missing" ]; then
            # shellcheck source=docs/demo/copy.sh
            . "$here/copy.sh"
            continue_in_copy "$@"
        fi
    fi
    [ -z "$missing" ] || fail "still missing: $missing"
    cd -- "$checkout"
    await "a Debian 12 and Python packages" \
        unshare --mount-proc -- "$python" -B -m docs.demo.prepare
    exec "$python" -B -m docs.demo 2 "$@"
}

main "$@"
