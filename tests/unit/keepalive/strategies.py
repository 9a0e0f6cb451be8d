"""Any jar that may exist."""

import string

from hypothesis import strategies as st

from sja_units.keepalive.cookie import Cookie, Jar, JarFault, check_jar


def _accepted(cookies: list[Cookie]) -> Jar:
    try:
        return check_jar(cookies)
    except JarFault:
        return ()


# Bytes as characters, as they come over the wire; UTF-8 among them.
_octets = st.text(st.characters(max_codepoint=255))
_words = st.text(string.ascii_letters + string.digits + "_-%.\"' ")
_utf8 = st.text().map(lambda text: text.encode("utf-8", "replace").decode("latin-1"))
_texts = _words | _octets | _utf8

cookies = st.builds(
    Cookie,
    name=_texts,
    value=_texts,
    domain=st.sampled_from(["example.edu", "www.example.edu", "pc", "192.0.2.1", "[2001:db8::1]"]),
    path=_texts.map(lambda text: f"/{text}"),
    expires=st.none() | st.integers(1, 253402300799),
    secure=st.booleans(),
    http_only=st.booleans(),
    host_only=st.booleans(),
    same_site=st.sampled_from(["", "Strict", "Lax", "None"]),
    assumed=st.booleans(),
)
jars = st.lists(cookies.filter(lambda cookie: bool(_accepted([cookie]))), max_size=5).map(_accepted)
