from typing import Any

import pytest

from sja_units.acquisition.advice import list_problems, list_refusals, list_remedies

CONFLICT = (
    'input field "t" on measurement "press1" is type float, already exists as type integer',
    "integer",
)
COLUMN = (
    "invalid column type for column 't', expected iox::column_type::field::integer, "
    "got iox::column_type::field::float",
    "integer",
)
UNSIGNED = ("400: unable to parse: invalid number", "write_as")


def refuse(*reasons: str) -> dict[str, Any]:
    entries = [
        {"measurement": "press1", "field": f"t{n}", "reason": reason}
        for n, reason in enumerate(reasons)
    ]
    return {"sink": {"refused": entries}}


@pytest.mark.parametrize(("reason", "word"), [CONFLICT, COLUMN, UNSIGNED])
def test_what_is_refused_is_told_with_a_remedy(reason: str, word: str) -> None:
    (problem,) = list_problems(refuse(reason))
    assert "t0 of press1" in problem
    assert reason in problem
    told = " ".join(list_remedies("acquisition/line1", refuse(reason)))
    assert "t0 of press1" in told
    assert word in told
    assert "sjactl resend acquisition/line1" in told


def test_many_refusals_are_told_in_few_words() -> None:
    many = refuse(*(f"reason {n}" for n in range(50)))
    assert len(list_refusals(many)) == 50
    assert len(list(list_problems(many))) < 10
    assert len(list(list_remedies("x", many))) < 10


@pytest.mark.parametrize(
    "health",
    [{}, {"sink": None}, {"sink": {"refused": 3}}, {"sink": {"refused": [None, "x", {}]}}],
)
def test_nothing_in_health_is_trusted(health: dict[str, Any]) -> None:
    for _ in (*list_problems(health), *list_remedies("x", health)):
        pass


def test_a_job_that_is_well_has_no_problem() -> None:
    assert list(list_problems({"sink": {"refused": []}})) == []
    assert list(list_remedies("x", {"sink": {"refused": []}})) == []
