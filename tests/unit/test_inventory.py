import pytest

from sja_units.errors import NoSuchJob, UsageFault
from sja_units.inventory import cut_head, parse_selector, select
from sja_units.job import Job

TITLES = {
    Job("acquisition", "line1"): "1号线",
    Job("acquisition", "line2"): "2号线",
    Job("keepalive", "alice"): "Alice",
    Job("keepalive", "line1"): "",
}


def pick(*words: str) -> list[str]:
    return [str(job) for job in select([parse_selector(word) for word in words], TITLES)]


def test_ways_to_name_a_job() -> None:
    assert pick("keepalive/alice") == pick("alice") == pick("sja-keepalive@alice.service")
    assert pick("line?") == ["acquisition/line1", "acquisition/line2", "keepalive/line1"]
    assert pick("*号线") == ["acquisition/line1", "acquisition/line2"]
    assert pick("keepalive/*") == ["keepalive/alice", "keepalive/line1"]
    assert pick("alice", "a*") == ["keepalive/alice"]


def test_a_name_of_two_kinds_is_not_guessed() -> None:
    with pytest.raises(UsageFault, match=r"acquisition/line1.*keepalive/line1"):
        pick("line1")


@pytest.mark.parametrize("words", ["bob", "keepalive/line2", "b*", "sja-keepalive@bob.service"])
def test_nobody_of_that_name(words: str) -> None:
    with pytest.raises(NoSuchJob):
        pick(words)


@pytest.mark.parametrize("words", ["../x", "a/b", "x/y/z", "", "-x", "1号线", "sja-x@y.service"])
def test_words_that_can_name_no_job(words: str) -> None:
    with pytest.raises(UsageFault):
        parse_selector(words)


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ('title = "a"\n[sink]\nurl = "x"\n', 'title = "a"\n'),
        ("a = 1\n", "a = 1\n"),
        ("a = [\n[1, 2],\n[3]]\n[t]\n", None),
        ('a = """\n[x]\n"""\ntitle = "b"\n', None),
        ("", ""),
    ],
)
def test_the_head_holds_all_top_level_keys(text: str, head: str | None) -> None:
    assert cut_head(text) == (text if head is None else head)
