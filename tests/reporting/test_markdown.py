import pytest
from markdown_it import MarkdownIt

from lcbench.rendering import markdown as md

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "a|b<script>alert(1)</script>",
    "`rm -rf`",
    "``",
    "[x](http://evil.example)",
    "![x](http://evil.example/a.png)",
    "**bold** _under_ __both__ *it*",
    "~~gone~~",
    "$x^2$",
    "<details>",
    "&lt;b&gt; &amp;",
    "back\\slash\\|pipe",
    "# heading",
    "- item",
    "1. first",
    "12) second",
    "+ plus",
    "===",
    "---",
    "https://evil.example",
    "www.evil.example",
    "trailing\\",
    "[97.1, 99.2](x)",
    "[ ] task",
    "snake_case_name",
    "_private",
    "> quote",
    "large.cell.carcinoma",
    "https://x|y`z`",
]


def text_of(source: str) -> str:
    """Return the text that a reader sees, and fail where anything but text is in it."""
    (inline,) = [token for token in PARSER.parse(source) if token.type == "inline"]
    kinds = {child.type for child in inline.children}
    assert kinds <= {"text", "text_special"}, kinds
    return "".join(child.content for child in inline.children)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_rendered_as_it_stands(name):
    assert text_of("x " + md.escape(name)) == f"x {name}"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_at_the_start_of_a_line_opens_no_block(name):
    tokens = PARSER.parse(md.escape(name))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert text_of(md.escape(name)) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_in_its_cell(name):
    source = md.table(["a", "b"], [[md.escape_cell(name), "1"], [md.code_cell(name), "2"]], "lr")
    tokens = PARSER.parse(source)
    cells = [
        tokens[place + 1]
        for place, token in enumerate(tokens)
        if token.type in ("td_open", "th_open")
    ]
    assert len(cells) == 6
    assert [child.type for child in cells[4].children] == ["code_inline"]
    assert cells[4].children[0].content == name
    assert "".join(child.content for child in cells[2].children) == name


def test_control_characters_and_line_breaks_cannot_leave_the_line():
    escaped = md.escape("a\nb\r\n| c |\t\x00\x1b[31m\u202egnp.exe")
    assert "\n" not in escaped
    assert "\u202e" not in escaped
    assert "\x1b" not in escaped
    assert text_of(escaped) == "a b | c | \ufffd\ufffd[31m\ufffdgnp.exe"


def test_an_empty_cell_is_a_dash():
    assert md.escape_cell(" ") == "–"
    assert md.code("") == "–"


def test_intervals_stay_readable_in_the_source():
    assert md.escape("98.2 % [96.7, 99.3]") == "98.2 % [96.7, 99.3]"
    assert md.escape("+1.0 points [−0.5, ∞]") == "+1.0 points [−0.5, ∞]"


def test_a_code_block_cannot_be_closed_by_its_lines():
    tokens = PARSER.parse(md.code_block(["echo `a`", "```", "<b>"], "sh"))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content == "echo `a`\n```\n<b>\n"


def test_a_summary_is_escaped():
    html = PARSER.render(md.details("a <b>", "body"))
    assert "<summary>a &lt;b&gt;</summary>" in html


def test_addresses_are_encoded():
    assert md.picture("figures/a b(c).png", "x]y") == r"![x\]y](figures/a%20b%28c%29.png)"
    assert md.link("a|b", "s (1)/README.md") == r"[a\|b](s%20%281%29/README.md)"


def test_a_long_list_is_folded():
    source = md.long_list([f"item {number}" for number in range(20)], few=5)
    assert source.count("- item") == 20
    assert "<summary>15 more</summary>" in source
    assert "<details>" not in md.long_list(["a", "b"])


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="1 cells under 2 headers"):
        md.table(["a", "b"], [["1"]], "lr")
