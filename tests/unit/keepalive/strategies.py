"""Any jar that may exist."""

from hypothesis import strategies as st

from sja_units.keepalive.cookie import Cookie, Jar, check_jar

# Bytes as characters, as they come over the wire, and text that is UTF-8 there.
_octets = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters=";\x7f")
_name_octets = st.characters(
    min_codepoint=33, max_codepoint=255, exclude_characters=";=\x7f\x85\xa0"
)
_letters = st.characters(exclude_categories=["C", "Z"], exclude_characters=";=")


def _on_the_wire(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")


def _make_jars(
    names: st.SearchStrategy[str], texts: st.SearchStrategy[str]
) -> st.SearchStrategy[Jar]:
    cookies = st.builds(
        Cookie,
        name=names,
        value=texts,
        domain=st.sampled_from(
            ["example.edu", "www.example.edu", "pc", "192.0.2.1", "[2001:db8::1]"]
        ),
        path=texts.map(lambda text: f"/{text}"),
        expires=st.none() | st.integers(1, 253402300799),
        secure=st.booleans(),
        http_only=st.booleans(),
        host_only=st.booleans(),
        same_site=st.sampled_from(["", "Strict", "Lax", "None"]),
        assumed=st.booleans(),
    )
    return st.lists(cookies, max_size=5).map(check_jar)


utf8_jars = _make_jars(
    st.text(_letters, min_size=1).map(_on_the_wire), st.text(_letters).map(_on_the_wire)
)
jars = utf8_jars | _make_jars(st.text(_name_octets, min_size=1), st.text(_octets))
