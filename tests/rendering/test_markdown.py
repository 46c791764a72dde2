"""Escaping: whatever a name holds, a reader sees it as it stands, and nothing else happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.rendering import markdown as md

from .golden import HOSTILE, PARSER, tables


def text_of(source: str) -> str:
    """Return the text that a reader sees, and fail where anything but text is in it."""
    tokens = PARSER.parse(source)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    return "".join(child.content for child in children)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_wherever_it_stands(name: str) -> None:
    assert text_of(md.escape(name)) == name
    assert text_of("x " + md.escape(name)) == f"x {name}"
    headers, row = tables(md.table(md.Table([name, "b"], [[name, md.code_cell(name)]])))[0]
    assert (headers[0], row) == (name, [name, name])


@given(st.text(min_size=1))
def test_a_written_name_is_read_as_it_is(name: str) -> None:
    shown = text_of("x" + md.escape(name))
    assert len(shown.split()) <= len(f"x{name}".split())
    assert PARSER.render(md.escape(name)).count("<") <= 2


def test_control_characters_and_line_breaks_cannot_leave_the_line() -> None:
    escaped = md.escape("a\nb\r\n| c |\t\x00\x1b[31m\u202egnp.exe")
    assert text_of(escaped) == "a b | c | \ufffd\ufffd[31m\ufffdgnp.exe"


def test_an_empty_cell_is_a_dash_and_a_small_p_is_no_html() -> None:
    assert md.escape_cell(" ") == md.code("") == "–"
    assert md.escape_cell("< 0.001") == "< 0.001"
    assert md.escape_cell("<b>0.001") == "&lt;b&gt;0.001"


@pytest.mark.parametrize("text", ["98.2 % [96.7, 99.3]", "+1.0 [−0.5, ∞]", "2,669.7 [1, 2,908.3]"])
def test_intervals_stay_readable_in_the_source_and_whole_in_their_cell(text: str) -> None:
    assert md.escape(text) == text
    assert md.escape_cell(text) == text.replace(", ", ",\N{NO-BREAK SPACE}")
    assert md.escape_cell(f"a {text}") == f"a {text}"


def test_a_code_block_cannot_be_closed_by_its_lines() -> None:
    (fence,) = PARSER.parse(md.code_block(["echo `a`", "```", "<b>"], "sh"))
    assert (fence.type, fence.content) == ("fence", "echo `a`\n```\n<b>\n")


def test_a_summary_is_escaped_and_addresses_are_encoded() -> None:
    html = PARSER.render(md.details("a <b>", "body"))
    assert "<summary>a &lt;b&gt;</summary>" in html
    assert md.link("a|b", "s (1)/README.md") == r"[a\|b](s%20%281%29/README.md)"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 cells under 2 headers"):
        md.table(md.Table(["a", "b"], [["1"]]))
