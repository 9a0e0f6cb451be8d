#!/bin/sh
# Installs, upgrades or removes sja-units on this machine; `./install.sh --help` tells how.
# Everything stands in functions and the last line starts them: a truncated copy does nothing.
set -eu

venv=/opt/sja-units
changed=$venv.changed # stands while running jobs may not have what is installed
sjactl=/usr/local/bin/sjactl
units=/usr/local/lib/systemd/system
hooks=/usr/local/lib/sja-units
sysusers=/usr/local/lib/sysusers.d/sja-units.conf
tmpfiles=/usr/local/lib/tmpfiles.d/sja-units.conf
catalog=/usr/local/lib/systemd/catalog/sja-units.catalog
polkit=/etc/polkit-1/rules.d/50-sja-units.rules
enabled=$hooks/enabled
settings=/etc/sja-units/sja-units.toml
manifest=$hooks/manifest
man=/usr/local/share/man
bash_completion=/usr/local/share/bash-completion/completions/sjactl
zsh_completion=/usr/local/share/zsh/site-functions/_sjactl
fish_completion=/etc/fish/completions/sjactl.fish # fish itself does not look below /usr/local
python=/usr/bin/python3

usage() {
    cat <<'TEXT'
Usage: ./install.sh [--wheels DIR]   install sja-units on this machine, or upgrade it
       ./install.sh --uninstall      remove it; configurations and state stay
       ./install.sh --purge          remove it with its configurations, state and groups
       ./install.sh --demo [--keep]  see it work in a disposable machine; this one stays as it is

It needs systemd >= 252 and Python >= 3.11 (Debian 12 or newer) and runs as root or asks sudo.
--wheels DIR  use no network: take the packages from DIR, made by: pip wheel --use-pep517 --wheel-dir DIR .
TEXT
}

# What is said last is also what an unexpected end refers to.
say() {
    step=$*
    printf '%s\n' "$*"
}

note() {
    printf 'note: %s\n' "$*" >&2
}

fail() {
    told=yes
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

refuse_usage() {
    printf 'install.sh: %s; ./install.sh --help shows what it takes\n' "$*" >&2
    exit 2
}

# clean_up STATUS: the last thing that runs, whatever ended the script.
clean_up() {
    # While what filled it is still there.
    [ "$1" -eq 0 ] || name_full_disks
    rm -rf -- "$work" "$unfinished"
    # Only who began to build one may touch these: somebody else may be at work.
    [ -z "$unfinished" ] || [ -e "$venv" ] || [ ! -e "$venv.old" ] || mv -T -- "$venv.old" "$venv"
    if [ "$1" -ne 0 ] && [ -z "$told" ]; then
        printf 'install.sh: stopped at "%s"; run it again to complete that\n' "$step" >&2
    fi
}

# A full disk shows in many ways, most of which do not name it.
name_full_disks() {
    for directory in /opt /usr/local /etc /var "${TMPDIR:-/tmp}"; do
        free=$(df -Pk -- "$directory" 2>/dev/null | awk 'NR == 2 { print $4 }')
        [ "${free:-9999}" -ge 1024 ] ||
            printf 'install.sh: the disk of %s is full: make room, then run this again\n' "$directory" >&2
    done
}

# Output is shown only when the command fails.
quietly() {
    "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }
}

# put MODE SOURCE TARGET: replaces the target in one step, so that nobody ever sees half of it.
put() {
    ! cmp -s -- "$2" "$3" || return 0
    mkdir -p -- "${3%/*}"
    install -o root -g root -m "$1" -- "$2" "$3.new"
    mv -fT -- "$3.new" "$3"
}

# The same for what running jobs depend on.
put_for_jobs() {
    cmp -s -- "$2" "$3" || : >"$changed"
    put "$@"
}

parse_arguments() {
    order=install wheels=
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) usage; exit 0 ;;
            --uninstall | --purge)
                [ "$order" = install ] || refuse_usage "one of --uninstall and --purge is enough"
                order=${1#--} ;;
            --wheels | --wheels=*)
                if [ "$1" = --wheels ]; then
                    [ $# -ge 2 ] || refuse_usage "--wheels needs a directory"
                    shift
                fi
                wheels=${1#--wheels=}
                [ -d "$wheels" ] || refuse_usage "--wheels: there is no directory '$wheels'"
                wheels=$(readlink -f -- "$wheels") ;;
            *) refuse_usage "unknown argument '$1'" ;;
        esac
        shift
    done
    [ "$order" = install ] || [ -z "$wheels" ] || refuse_usage "--wheels is for installing"
}

become_root() {
    [ "$(id -u)" -ne 0 ] || return 0
    command -v sudo >/dev/null || fail "this needs root, and there is no sudo here; run it as root"
    say "Asking sudo for root"
    # How pip reaches the index: it would be lost on the way.
    kept=$(env | sed -nE 's/^(PIP_[A-Z_]+|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY)=.*/\1/p' |
        sort | paste -sd ,)
    exec sudo ${kept:+"--preserve-env=$kept"} -- /bin/sh "$here/install.sh" "$@"
}

prepare() {
    umask 022
    [ -d "${TMPDIR:-/tmp}" ] || unset TMPDIR
    step="the first checks" work='' unfinished=''
    trap 'clean_up "$?"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    work=$(mktemp -d) || fail "${TMPDIR:-/tmp} cannot be written to; make room there"
    export TMPDIR="$work"
    exec 9</usr/local
    flock -n 9 || fail "another install.sh is at work here; wait until it ends"
}

check_writable() {
    for directory in /opt /usr/local/bin /usr/local/lib /etc/systemd/system; do
        mkdir -p -- "$directory" 2>/dev/null || :
        [ -w "$directory" ] ||
            fail "$directory cannot be written to; make it writable, then run this again"
    done
}

check_host() {
    [ -e "$here/units/sja-jobs.target" ] ||
        fail "$here is no checkout of sja-units; run install.sh where it came with the rest"
    [ -d /run/systemd/system ] ||
        fail "systemd does not run here; boot with it, or try ./install.sh --demo, which needs none"
    version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge 252 ] ||
        fail "systemd here is ${version:-unknown} and 252 is needed; upgrade to Debian 12 or newer"
}

required_packages() {
    [ -x "$python" ] || echo python3
    # The end hook runs on its standard library alone.
    "$python" -ISBc 'import os, time' 2>/dev/null || echo libpython3-stdlib
    "$python" -Ic 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    [ -S /run/dbus/system_bus_socket ] || echo dbus
}

# Without polkitd group sja cannot give orders, without ca-certificates no https page is believed.
useful_packages() {
    [ -e /usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service ] || echo polkitd
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
}

# Lines from stdin, joined by spaces.
joined() {
    tr '\n' ' ' | sed 's/ $//'
}

install_packages() {
    required=$(required_packages | joined)
    useful=$(useful_packages | joined)
    [ -n "$required$useful" ] || return 0
    if [ -n "$wheels" ] || ! command -v apt-get >/dev/null; then
        [ -z "$required" ] || fail "missing packages: $required; install them, then run this again"
        note "not installed: $useful; group sja needs polkitd, https pages need ca-certificates"
        return 0
    fi
    say "Installing Debian packages:" "$required" "$useful"
    export DEBIAN_FRONTEND=noninteractive
    # After an apt that was killed half-way nothing else works until this has run.
    quietly dpkg --configure -a
    quietly apt-get -q -o DPkg::Lock::Timeout=120 update || :
    { required_packages; useful_packages; } | quietly xargs \
        apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends ||
        fail "apt-get could not install $required $useful; mend what it says, then run this again"
    # Its package leaves the starting to the next boot.
    [ -S /run/dbus/system_bus_socket ] || systemctl start dbus.socket
    required=$(required_packages | joined)
    [ -z "$required" ] || fail "after apt-get still missing: $required; reboot, then run this again"
}

# Built beside the one in use and put in its place when whole: a failed upgrade changes nothing.
build_venv() {
    "$python" -Ic 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$python" -V) is too old, 3.11 is needed; upgrade to Debian 12 or newer"
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/pyproject.toml")
    say "Building $venv: sja-units $version, $("$python" -V), packages of ${wheels:-the index}"
    unfinished=$venv.new
    rm -rf -- "$venv.new"
    # By its version's name: packages of one are none to the next.
    quietly "$(readlink -f -- "$python")" -I -m venv "$venv.new" || fail "$venv.new could not be made; see above"
    if [ -n "$wheels" ]; then
        # pip's own settings on this host might name an index or further folders.
        quietly env PIP_CONFIG_FILE=/dev/null "$venv.new/bin/python" -I -m pip --isolated install \
            --no-cache-dir --no-index --find-links "$wheels" "sja-units==$version" ||
            fail "$wheels lacks something (see above); make it with: pip wheel --use-pep517 --wheel-dir DIR ."
    else
        # pip may build where the sources are, and a checkout can be read-only.
        mkdir -- "$work/source"
        (cd -- "$here" && cp -RL -- pyproject.toml README.md LICENSE sja_units "$work/source")
        install_locked || fail "pip failed (see above); mend that, or use --wheels DIR"
    fi
    quietly "$venv.new/bin/sjactl" --version || fail "the new sjactl does not work, see above"
    # Scripts name their interpreter by its full path.
    grep -rlI 'sja-units\.new' "$venv.new/bin" "$venv.new/pyvenv.cfg" |
        xargs -d '\n' sed -i 's|sja-units\.new|sja-units|g'
    # The caller's PYTHONPATH, PYTHONHOME and site-packages are none of its business.
    sed -i '1s|python[0-9.]*$|& -I|' "$venv.new/bin/sjactl"
    sync -f "$venv.new"
}

# From the index comes only what requirements.lock names, if it is what it was when that was written.
# What builds is locked as well: it comes first, and goes again.
install_locked() {
    lock=$here/requirements.lock
    for name in flit-core setuptools; do
        sed -n "/^$name==/,/[^\\\\]\$/p" "$lock"
    done >"$work/builders.lock"
    pip_install --require-hashes -r "$work/builders.lock" &&
        pip_install --require-hashes -r "$lock" &&
        pip_install --no-index --no-deps "$work/source" &&
        quietly "$venv.new/bin/python" -I -m pip uninstall --yes flit-core setuptools
}

pip_install() {
    quietly "$venv.new/bin/python" -I -m pip install --no-cache-dir --use-pep517 \
        --no-build-isolation --compile "$@"
}

switch_venv() {
    # direct_url.json, whose digest is in RECORD, names a new temporary directory each time.
    if ! diff -rqx '*.pyc' -x RECORD -x direct_url.json "$venv.new" "$venv" >"$work/log" 2>&1; then
        : >"$changed"
        rm -rf -- "$venv.old"
        [ ! -e "$venv" ] || mv -T -- "$venv" "$venv.old"
        mv -T -- "$venv.new" "$venv"
        rm -rf -- "$venv.old"
    fi
    put 0755 "$here/units/bin-sjactl" "$sjactl"
}

# named PATTERN: our units' names, of this checkout and of the version that is installed. What else
# is called so is the administrator's.
named() {
    {
        (cd -- "$here/units" && printf '%s\n' sja*)
        [ ! -e "$manifest" ] || sed -n "s|^[0-9a-f]*  $units/||p" "$manifest"
    } | sort -u | while read -r unit; do
        # shellcheck disable=SC2254 # it is a pattern
        case $unit in $1) printf '%s\n' "$unit" ;; esac
    done
}

# jobs_that STATES: the templates' instances in one of these states, a line each.
jobs_that() {
    named 'sja-*@.service' | sed 's/@\.service$/@*.service/' | xargs -r -d '\n' \
        systemctl list-units --plain --no-legend --full --state="$1" -- | cut -d ' ' -f 1
}

install_units() {
    say "Installing units, groups and directories"
    put_for_jobs 0644 "$here/units/sysusers.conf" "$sysusers"
    quietly systemd-sysusers "$sysusers"
    put_for_jobs 0644 "$here/units/tmpfiles.conf" "$tmpfiles"
    systemd-tmpfiles --create "$tmpfiles"
    put_for_jobs 0644 "$here/units/catalog" "$catalog"
    quietly journalctl --update-catalog || note "journalctl -x will not explain; see above"
    install_end_hook
    put_for_jobs 0755 "$here/units/begin" "$hooks/begin"
    put_for_jobs 0755 "$here/units/ready" "$hooks/ready"
    put_for_jobs 0755 "$here/units/news" "$hooks/news"
    [ -e "$settings" ] || install -o root -g sja -m 0640 -- "$here/units/host.toml" "$settings"
    # The rule is away while templates come and go: one that names a template which is not there
    # lets an operator of systemd 257 start a transient unit of that name, as root.
    for source in "$here"/units/sja*; do
        cmp -s -- "$source" "$units/${source##*/}" || rm -f -- "$polkit"
        put_for_jobs 0644 "$source" "$units/${source##*/}"
    done
    remove_obsolete_units
    systemctl daemon-reload
    put_for_jobs 0644 "$here/units/polkit.rules" "$polkit"
    sync -f "$units" "$polkit"
}

# Its modules stand beside it, as it has to work where the virtual environment does not. Compiled,
# it takes half the time, at each end of each job.
install_end_hook() {
    modules=$hooks/sja_units
    mkdir -p -- "$hooks"
    rm -rf -- "$modules.new"
    mkdir -- "$modules.new"
    cp -RL -- "$here/sja_units/__init__.py" "$here/sja_units/hooks" "$modules.new"
    rm -rf -- "$modules.new/hooks/__pycache__"
    chmod -R u=rwX,go=rX -- "$modules.new"
    quietly "$python" -ISm compileall -q --invalidation-mode unchecked-hash "$modules.new" ||
        fail "the modules of the end hook could not be compiled, see above"
    if ! diff -rq "$modules.new" "$modules" >"$work/log" 2>&1; then
        : >"$changed"
        rm -rf -- "$modules.old"
        [ ! -e "$modules" ] || mv -T -- "$modules" "$modules.old"
        mv -T -- "$modules.new" "$modules"
    fi
    rm -rf -- "$modules.new" "$modules.old"
    put_for_jobs 0755 "$here/units/end" "$hooks/end"
}

remove_obsolete_units() {
    named 'sja*' | while read -r unit; do
        if [ -e "$here/units/$unit" ] || [ ! -e "$units/$unit" ]; then continue; fi
        say "Removing $unit, which this version does not have"
        case $unit in
            *@.service) systemctl stop "${unit%.service}*.service" ;;
            *) systemctl --quiet disable --now "$unit" 2>/dev/null || : ;;
        esac </dev/null
        rm -f -- "$polkit" "$units/$unit"
    done
}

# What the units, hooks and rule are, for `sjactl doctor`.
write_manifest() {
    (cd -- "$here/units" && printf "$units/%s\\0" sja*) >"$work/files"
    find "$hooks" -type f -name '[!.]*' ! -path "$enabled" ! -path "$manifest" -print0 >>"$work/files"
    sort -z "$work/files" | xargs -0 sha256sum -- "$sjactl" "$polkit" "$sysusers" "$tmpfiles" "$catalog" \
        >"$work/manifest"
    put 0644 "$work/manifest" "$manifest"
}

install_for_people() {
    say "Installing man pages and completion for bash, zsh and fish"
    for page in "$here"/docs/man/*.[15]; do
        put 0644 "$page" "$man/man${page##*.}/${page##*/}"
    done
    put_completion bash "$bash_completion"
    put_completion zsh "$zsh_completion"
    put_completion fish "$fish_completion"
}

# The scripts ask sjactl itself at each press of the key, so they fit every version.
put_completion() {
    _SJACTL_COMPLETE="$1_source" "$sjactl" >"$work/completion" 2>/dev/null || :
    if [ -s "$work/completion" ]; then put 0644 "$work/completion" "$2"; fi
}

# Drop-ins are written from the configurations, by this version's rules.
apply_configurations() {
    [ -n "$(find /etc/sja-units -mindepth 2 -name '*.toml' -print -quit)" ] || return 0
    say "Applying the configurations that are here"
    quietly "$sjactl" apply || note "not all of them could be applied, see above"
}

# Each unit once: whether it stays enabled is the administrator's business from then on.
enable_new_units() {
    [ -e "$enabled" ] || : >"$enabled"
    grep -l '^\[Install\]' "$here"/units/sja* | sed 's|.*/||' >"$work/installable"
    fresh=$(grep -vxF -f "$enabled" "$work/installable" || :)
    [ -n "$fresh" ] || return 0
    say "Enabling $(echo "$fresh" | joined); what is wanted starts"
    echo "$fresh" | xargs systemctl --quiet enable
    echo "$fresh" | grep -E '\.(target|timer|path|socket)$' | xargs -r systemctl start
    put 0644 "$work/installable" "$enabled"
}

restart_jobs() {
    [ -e "$changed" ] || { say "Nothing has changed: what runs is left alone"; return; }
    # It carries out what was ordered before it ends; the next connection starts the new version.
    systemctl --quiet stop sja-api.service || :
    jobs_that active,reloading,activating >"$work/ran"
    [ -s "$work/ran" ] || return 0
    say "Restarting $(wc -l <"$work/ran") running jobs with the new version"
    xargs -d '\n' systemctl try-restart -- <"$work/ran" 2>/dev/null || :
    jobs_that active,reloading,activating >"$work/runs"
    # A command that has done its work meanwhile is not lost.
    (cd /var/lib/sja-units/runs && xargs -r -d '\n' grep -ls '^completed=' -- <"$work/ran") \
        >>"$work/runs" || :
}

# Told last: all else is in place by then.
report_jobs() {
    [ -s "$work/ran" ] || return 0
    lost=$(grep -vxF -f "$work/runs" "$work/ran" | joined)
    [ -z "$lost" ] || fail "these ran and do not run now: $lost; systemctl status tells why"
}

install_all() {
    check_host
    install_packages
    build_venv
    switch_venv
    install_units
    write_manifest
    install_for_people
    apply_configurations
    restart_jobs
    enable_new_units
    rm -f -- "$changed"
    say "Installed: $("$sjactl" --version)"
    say "Next: 'sjactl create --help' tells how to make a job, 'sjactl list' shows them all;"
    say "      'adduser NAME sja' lets somebody start, stop and see jobs without being root"
    report_jobs
}

# What starts jobs goes first, then the target: by its end a job's own end is no order to stop,
# and what is wanted stays wanted. For that the target has to be up before.
# Parts may be missing, so the result counts, not each command.
stop_jobs() {
    [ -d /run/systemd/system ] || return 0
    say "Stopping all jobs, as for maintenance"
    {
        named 'sja-*.socket'
        named 'sja-*.path'
        named 'sja-*.timer'
        named 'sja-*.service' | sed '/@/d'
        # A look of sja-alert that was under way may have started its timer again.
        named 'sja-*.timer'
        echo sja-jobs.target
    } >"$work/units"
    systemctl start --job-mode=ignore-dependencies sja-jobs.target 2>/dev/null || :
    xargs -d '\n' -n 1 systemctl stop <"$work/units" 2>/dev/null || :
    jobs_that active,reloading,activating,deactivating | xargs -r -d '\n' systemctl stop -- || :
    left=$(jobs_that active,reloading,activating,deactivating | joined)
    [ -z "$left" ] || fail "still running: $left; see systemctl status, then run this again"
    systemctl stop sja.slice || :
    xargs -d '\n' -n 1 systemctl --quiet disable <"$work/units" 2>/dev/null || :
}

remove_files() {
    say "Removing units and programs"
    named 'sja*' >"$work/units"
    for directory in /etc/systemd/system /run/systemd/system; do
        [ -d "$directory" ] || continue
        while read -r unit; do
            find "$directory" -lname "$units/$unit" -delete
        done <"$work/units"
        find "$directory" -path "$directory/sja-*@*.service.d/50-sjactl.conf" -delete
        find "$directory" -path "$directory/sja-command@*.timer" -type f -delete
        find "$directory" -mindepth 1 -maxdepth 1 -type d -name 'sja*' -empty -delete
    done
    [ ! -d "$units" ] || (cd -- "$units" && xargs -d '\n' rm -f -- <"$work/units")
    # While it is there: a link into it is ours, too.
    ! grep -qsF "$venv/bin/" "$sjactl" || rm -f -- "$sjactl"
    rm -rf -- "$hooks" "$venv" "$venv.old" "$changed"
    remove_runtime
    rm -f -- "$sysusers" "$sysusers.new" "$tmpfiles" "$tmpfiles.new" "$catalog" "$catalog.new"
    rm -f -- "$man"/man1/sjactl.1* "$man"/man5/sja-*.toml.5* \
        "$bash_completion"* "$zsh_completion"* "$fish_completion"*
    quietly journalctl --update-catalog || :
    for directory in "$units" "${catalog%/*}" "${units%/*}" "${sysusers%/*}" "${tmpfiles%/*}" \
        "$man/man1" "$man/man5" "${bash_completion%/*}" "${bash_completion%/completions/*}" \
        "${zsh_completion%/*}" "${zsh_completion%/site*}" "${fish_completion%/*}" \
        "${fish_completion%/completions/*}"; do
        rmdir -- "$directory" 2>/dev/null || :
    done
}

# What acquisition jobs have read and no disk has taken is there and nowhere else.
remove_runtime() {
    overflow=/run/sja-units/overflow
    if [ "$order" = purge ] || [ -z "$(find "$overflow" -name '*.lp' 2>/dev/null)" ]; then
        rm -rf -- /run/sja-units
        return 0
    fi
    find /run/sja-units -mindepth 1 -maxdepth 1 ! -path "$overflow" -exec rm -rf -- {} +
    note "values that no disk took wait in $overflow: mend that, and install again before a boot"
}

# Files that are gone, and failures of units that are gone.
forget_units() {
    [ -d /run/systemd/system ] || return 0
    systemctl daemon-reload
    systemctl reset-failed 'sja-*' 2>/dev/null || :
}

uninstall() {
    # The rule goes before anything else, see install_units.
    rm -f -- "$polkit" "$polkit.new"
    stop_jobs
    remove_files
    forget_units
    [ "$order" = purge ] ||
        say "Removed. /etc/sja-units and /var/lib/sja-units stay: what is wanted comes back when" \
            "sja-units is installed again; ./install.sh --purge deletes them"
}

purge() {
    say "Deleting /etc/sja-units, /var/lib/sja-units and groups sja, sja-cookies and sja-api"
    rm -rf -- /etc/sja-units /var/lib/sja-units /var/lib/private/sja-units \
        /var/lib/systemd/timers/stamp-sja-*
    # systemd makes it for the first timer that remembers.
    rmdir -- /var/lib/systemd/timers 2>/dev/null || :
    rm -rf -- /etc/systemd/system/sja-command@*.timer
    sed 's/@/@*/' "$work/units" | while read -r unit; do
        find /etc/systemd/system /etc/systemd/system.control -mindepth 1 -maxdepth 1 \
            \( -name "$unit.d" -o -name "$unit" -lname /dev/null \) -exec rm -rf -- {} + 2>/dev/null || :
    done
    ! getent passwd sja-api >/dev/null || userdel sja-api
    for group in sja-api sja-cookies sja; do
        getent group "$group" >/dev/null || continue
        groupdel "$group" || note "group $group stays: it is the main group of a user"
    done
    forget_units
    say "Removed with all that was its own"
}

# Nothing of the caller's surroundings may change what is installed: not its umask, PATH or Python.
main() {
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
    unset PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONINSPECT
    told=''
    script=$(readlink -f -- "$0") ||
        fail "the working directory is gone; change to one that is there, then run this again"
    here=$(dirname -- "$script")
    if [ "${1-}" = --demo ]; then
        shift
        exec /bin/sh "$here/docs/demo/run.sh" "$@"
    fi
    parse_arguments "$@"
    become_root "$@"
    # The caller's directory may go, or be gone.
    cd -- "$here"
    prepare
    check_writable
    case $order in
        install) install_all ;;
        uninstall) uninstall ;;
        purge) uninstall; purge ;;
    esac
}

{ main "$@"; }
