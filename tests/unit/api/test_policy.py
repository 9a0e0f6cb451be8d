"""Nobody may do anything but what a grant names."""

from hypothesis import given
from hypothesis import strategies as st

from sja_units.api.policy import VERBS, Grant, Peer, Verb, is_root, knows, may

NAMES = st.sampled_from(["booking", "console", "other"])
IDS = st.sampled_from([0, 1, 1000, 1001, 61184, 65519, 65534, 4_000_000_000])
GRANTS = st.builds(
    lambda by_user, number, templates, verbs: Grant(
        "g",
        number if by_user else None,
        None if by_user else number,
        frozenset(templates),
        frozenset(verbs),
        1,
        1,
    ),
    st.booleans(),
    IDS,
    st.sets(NAMES),
    st.sets(st.sampled_from(VERBS)),
)
PEERS = st.builds(lambda uid, gids: Peer(uid, frozenset(gids)), IDS, st.sets(IDS))
WORK = Grant("booking", None, 1000, frozenset({"booking"}), frozenset({"see", "create"}), 5, 5)


@given(PEERS, st.lists(GRANTS), st.sampled_from(VERBS), NAMES)
def test_a_yes_names_grants_that_say_so(
    peer: Peer, grants: list[Grant], verb: Verb, template: str
) -> None:
    found = may(peer, grants, verb, template)
    for grant in grants:
        says_so = verb in grant.verbs and template in grant.templates
        is_user = grant.uid is not None and grant.uid == peer.uid
        is_member = grant.uid is None and grant.gid in peer.gids
        number = grant.uid if grant.uid is not None else grant.gid
        is_somebody = number not in (61184, 65519, 65534)
        assert (grant in found) == (says_so and (is_user or is_member) and is_somebody)


@given(PEERS, st.lists(GRANTS), st.sampled_from(VERBS))
def test_a_job_of_no_template_is_in_no_grant(peer: Peer, grants: list[Grant], verb: Verb) -> None:
    assert may(peer, grants, verb, None) == []
    assert not knows(peer, grants, None)


@given(PEERS, st.sampled_from(VERBS), NAMES)
def test_without_a_grant_nothing_is_allowed(peer: Peer, verb: Verb, template: str) -> None:
    assert may(peer, [], verb, template) == []


def test_a_member_may_do_what_is_named_with_what_is_named() -> None:
    member = Peer(2000, frozenset({1000}))
    assert may(member, [WORK], "create", "booking") == [WORK]
    assert may(member, [WORK], "remove", "booking") == []
    assert may(member, [WORK], "create", "console") == []
    assert knows(member, [WORK], "booking")
    assert not knows(member, [WORK], "console")
    assert may(Peer(2000, frozenset({1001})), [WORK], "create", "booking") == []


def test_a_number_of_a_user_is_none_of_a_group() -> None:
    assert may(Peer(1000, frozenset({2000})), [WORK], "see", "booking") == []


def test_only_the_number_0_is_root() -> None:
    assert is_root(Peer(0, frozenset()))
    assert not is_root(Peer(1000, frozenset({0})))
