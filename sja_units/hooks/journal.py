"""Entries of the journal with fields of their own, systemd.io/JOURNAL_NATIVE_PROTOCOL."""

SOCKET = "/run/systemd/journal/socket"
# By these `history` knows the hooks' entries; units/catalog explains them, `begin` writes one.
WAITS = "e8920189f7b94c7396d715018e0b5b82"
COMPLETED = "484d086059384c6cad8e059883aeb50a"


def encode_entry(fields: "dict[str, str]") -> bytes:
    """Return the datagram that the journal takes for one entry."""
    return b"".join(_encode(name, value) for name, value in fields.items())


def send_entry(fields: "dict[str, str]") -> None:
    """Write an entry. Raises OSError where no journal takes it."""
    import socket  # it takes as long as all else here: few hooks have something to say

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.sendto(encode_entry(fields), SOCKET)


def _encode(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
