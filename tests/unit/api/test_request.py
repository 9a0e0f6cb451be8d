"""One structure goes from the reader to who decides; what is no such structure is refused."""

from hypothesis import given
from hypothesis import strategies as st

from sja_units.api.request import ACTIONS, Malformed, Request, decode, encode
from sja_units.job import KINDS, NAME

PLAIN = (
    st.none()
    | st.text()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text()


@st.composite
def requests(draw: st.DrawFn) -> Request:
    action = draw(st.sampled_from(ACTIONS))
    is_job = action not in ("list", "events")
    return Request(
        action,
        draw(st.sampled_from(KINDS)) if is_job else "",
        draw(st.from_regex(NAME, fullmatch=True)) if is_job else "",
        draw(TEXTS),
        tuple(draw(st.lists(st.tuples(TEXTS, PLAIN | st.lists(PLAIN)), max_size=3))),
        draw(st.none() | st.binary()),
        draw(st.none() | st.booleans()),
        draw(TEXTS),
        draw(TEXTS),
        draw(st.booleans()),
        draw(st.integers(0, 99999)),
        draw(TEXTS),
        draw(TEXTS),
    )


@given(requests())
def test_a_request_arrives_as_it_was_sent(request: Request) -> None:
    assert decode(encode(request)) == request


@given(requests(), st.data())
def test_what_was_changed_on_the_way_is_a_request_or_refused(
    request: Request, data: st.DataObject
) -> None:
    good = bytearray(encode(request))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        made = decode(bytes(good))
    except Malformed:
        return
    assert made.action in ACTIONS
    assert made.kind in ("", *KINDS)
    assert not made.name or NAME.fullmatch(made.name)


@given(st.binary())
def test_bytes_are_a_request_or_refused(data: bytes) -> None:
    try:
        decode(data)
    except Malformed:
        return
