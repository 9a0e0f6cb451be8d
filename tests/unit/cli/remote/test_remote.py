"""What `sjactl --host` hands to ssh, and what comes out at the other end."""

import io
import os
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.cli.remote.client import Order, check_host, format_for_parcel, format_for_terminal
from sja_units.cli.remote.protocol import (
    Request,
    read_file,
    read_request,
    write_file,
    write_request,
)
from sja_units.config.load import Source, find_tables
from sja_units.errors import SjaError, UsageError

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    "host",
    ["gw1", "root@gw1", "192.0.2.7", "2001:db8::7", "fe80::1%eth0", "me@corp@gw", "ssh://a@b:22"],
)
def test_hosts_as_ssh_takes_them(host: str) -> None:
    check_host(host)
    for words in (format_for_parcel(host), format_for_terminal(Order(host, ["list"]))):
        assert words[words.index("--") + 1] == host


@pytest.mark.parametrize(
    "host",
    ["", "-oProxyCommand=touch x", "-l", "a b", "a\nb", "a\tb", "a\x1b", "@a", "a@", "a@-b", "-a@b"]
    + [f"a{c}b" for c in "'\"`$;&|<>(){}"],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(UsageError):
        check_host(host)


def run_there(ssh: list[str]) -> list[str]:
    """Run the command of ssh's last word as a login shell would; return sjactl's words."""
    stand_ins = 'stty() { :; }; env() { printf "%s\\0" "$@"; }; '
    script = stand_ins + ssh[-1].replace("exec env", "env")
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


@given(st.lists(WORDS, min_size=1))
def test_words_arrive_as_they_were_typed(words: list[str]) -> None:
    assert run_there(format_for_terminal(Order("gw", words))) == [
        "LC_ALL=C.UTF-8",
        "sjactl",
        *words,
    ]


def test_nothing_of_a_parcel_is_on_a_command_line() -> None:
    assert run_there(format_for_parcel("gw")) == ["LC_ALL=C.UTF-8", "sjactl", "--sent"]
    assert "-T" in shlex.join(format_for_parcel("gw"))


@pytest.mark.slow
@given(
    words=st.lists(st.text()),
    files=st.dictionaries(st.text(), st.binary()),
    missing=st.dictionaries(st.text(), st.integers(1, 99)),
)
def test_a_parcel_arrives_whole_or_not_at_all(
    words: list[str], files: dict[str, bytes], missing: dict[str, int]
) -> None:
    sent = io.BytesIO()
    request = Request(words, False, {"KEY": "值"}, list(files), missing)
    write_request(sent, request)
    for data in files.values():
        write_file(sent, io.BytesIO(data))
    whole = sent.getvalue()
    assert unpack(whole) == (request, list(files.values()))
    with pytest.raises(SjaError):
        unpack(whole[:-2])


def unpack(data: bytes) -> tuple[Request, list[bytes]]:
    stream = io.BytesIO(data)
    request = read_request(stream)
    files = []
    for _ in request.files:
        target = io.BytesIO()
        read_file(stream, target)
        files.append(target.getvalue())
    return request, files


def test_a_large_file_goes_in_parts() -> None:
    data, sent, got = os.urandom(300_000), io.BytesIO(), io.BytesIO()
    write_file(sent, io.BytesIO(data))
    sent.seek(0)
    read_file(sent, got)
    assert got.getvalue() == data


def test_tables_that_a_file_names() -> None:
    text = '[[device]]\npoints = "t/a.csv"\n[[device]]\n[[device]]\npoints = "/b.csv"\n'
    assert find_tables(Source(text, "dir/line1.toml")) == ["dir/t/a.csv", "/b.csv"]
