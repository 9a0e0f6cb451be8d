import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.cli.output.text_width import fit, measure, wrap

TEXTS = st.text(alphabet=st.sampled_from("ab 海天，。é\u0301\u200d\ufe0f👩🏭…·"), max_size=60)


@pytest.mark.parametrize(
    ("text", "columns"),
    [("", 0), ("abc", 3), ("注塑机", 6), ("e\u0301", 1), ("👩", 2), ("❤\ufe0f", 1), ("ﾊﾟ", 2)],
)
def test_columns_are_counted_as_terminals_do(text: str, columns: int) -> None:
    assert measure(text) == columns


@given(TEXTS, st.integers(1, 40))
def test_fit_takes_exactly_its_columns(text: str, width: int) -> None:
    fitted = fit(text, width)
    assert measure(fitted) == width
    if measure(text) <= width:
        assert fitted.rstrip() == text.rstrip()
    else:
        assert "…" in fitted


@given(TEXTS, st.integers(2, 40))
def test_wrap_keeps_all_and_no_line_is_too_wide(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(measure(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_wrap_breaks_between_words_and_chinese_characters() -> None:
    assert wrap("it ended: 没有登录", 14) == ["it ended: 没有", "登录"]
    assert wrap("有登录，请", 6) == ["有登", "录，请"]
    assert wrap("see /etc/sja-units", 8, break_words=False) == ["see", "/etc/sja-units"]
    assert wrap("", 5) == [""]
