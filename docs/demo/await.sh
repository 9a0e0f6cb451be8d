#!/bin/sh
# The first process of a PID namespace: runs a command, and tells meanwhile how far it is.
# Usage: await.sh WHAT LOG COMMAND...
set -u
what=$1 log=$2
shift 2

# What is being built grows; what is being installed has something to say.
how_far() {
    size=$(du -cm -- "$SJA_LAB"/*.new-* 2>/dev/null | sed -n 's/\ttotal$/ MB/p')
    case $size in
        '' | '0 MB') tail -n 1 -- "$log" | tr -c '[:print:]' ' ' ;;
        *) echo "$size" ;;
    esac
}

tell() {
    seconds=0
    while sleep 1; do
        seconds=$((seconds + 1))
        if [ -t 1 ]; then
            printf '\r\033[K   %.75s' "$what: $seconds s, $(how_far)"
        elif [ $((seconds % 10)) -eq 0 ]; then
            printf '   %.75s\n' "$what: $seconds s, $(how_far)"
        fi
    done
}

tell &
"$@" >"$log" 2>&1 </dev/null
status=$?
[ ! -t 1 ] || printf '\r\033[K'
exit "$status"
