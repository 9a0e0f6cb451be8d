"""TAB in real shells, which find what install.sh has put where they look."""

import time
from collections.abc import Iterator

import pytest

from tests.lab.images import machine_with_shells
from tests.lab.machine import Machine
from tests.system.jobs import write_idle
from tests.system.watch import booted

VERBS = {"create", "list", "status", "start", "doctor", "metrics"}
JOBS = {"line1", "line2", "acquisition/line1", "acquisition/line2"}

# Each prints what the shell offers behind the words of its first argument, a line each.
BASH = """
    . /usr/share/bash-completion/bash_completion
    COMP_LINE=$1 COMP_POINT=${#1}
    case $1 in *' ') set -- $1 '' ;; *) set -- $1 ;; esac
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _completion_loader sjactl
    compopt() { echo "$*"; }
    $(complete -p sjactl | sed 's/.*-F \\([^ ]*\\).*/\\1/') sjactl "${COMP_WORDS[COMP_CWORD]}" ''
    printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = "complete --do-complete $argv[1] | string split --fields 1 \\t"
# zsh has no such order: a terminal is played, and its list of choices caught.
ZSH = """
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell "PS1= ; autoload -U compinit; compinit -u; TERM=dumb; stty -echo cols 200"
    zpty -w shell "compadd() { [[ \\${@[1,-2]} == *-O* ]] && builtin compadd \\$@ ||
        { builtin compadd \\$@; local -a found; builtin compadd -O found \\$@; print -l -- \\$found } }"
    zpty -w shell "bindkey '^I' complete-word; zle -C complete-word complete-word _main_complete"
    zpty -w shell "print READY"
    zpty -r shell line '*READY*'
    zpty -w -n shell "$1"$'\\t'
    zpty -r -m shell line "*$2*" && print -r -- $line
"""


@pytest.fixture(scope="module")
def shells() -> Iterator[Machine]:
    """A machine with two jobs, and with all shells."""
    with booted(machine_with_shells("bookworm")) as machine:
        write_idle(machine, "line1")
        write_idle(machine, "line2")
        yield machine
