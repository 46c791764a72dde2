"""Templates: whatever stands in a value, and whatever a template does with it, stays text."""

from __future__ import annotations

import jinja2
import pytest

from lcbench.rendering import pages
from lcbench.rendering.markdown import Markdown

from .golden import HOSTILE, PARSER

# Ways to write a name of which none is a good one: nobody has to remember which.
CARELESS = [
    "{{ name }}", "{{ name | safe }}", "{{ name ~ '' }}", "{{ [name, name] | join }}",
    "{{ ['x' | code, name] | join(' ') }}", "{{ ('x' | code) ~ name }}",
    "{{ '%s' | format(name) }}", "{{ '**' ~ name ~ '**' }}",
    "{% set x %}{{ name }}{% endset %}{{ x }}",
    "{% filter upper %}{{ name }}{% endfilter %}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(name) }}{{ m(m(name)) }}{{ m(name) ~ name }}",
    "{% from 'macros.md.j2' import bullets %}{{ bullets([name]) }}",
]  # fmt: skip


def write(template: str, **values: object) -> str:
    return pages.environment().from_string(template).render(**values)


@pytest.mark.parametrize("template", CARELESS)
def test_no_way_of_writing_a_name_lets_it_bring_mark_up(template: str) -> None:
    for name in HOSTILE:
        html = PARSER.render("Called " + write(template, name=name).strip())
        marks = {part.split(">")[0] for part in html.split("<")[1:]}
        assert marks <= {"p", "/p", "ul", "/ul", "li", "/li", "code", "/code"}, name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_in_its_link_and_its_folded_part(name: str) -> None:
    (paragraph,) = PARSER.parse(write("{{ name | link(name) }}", name=name))[1:2]
    kinds = [child.type for child in paragraph.children or []]
    assert (kinds[0], kinds[-1]) == ("link_open", "link_close")
    assert set(kinds[1:-1]) <= {"text", "text_special"}
    folded = write("{% call details(name) %}{{ name }}{% endcall %}", name=name)
    assert folded.count("<") == 4


def test_what_macros_and_functions_make_is_not_escaped_again() -> None:
    template = """{% from "macros.md.j2" import bullets, long_list, picture %}
{{ picture("a b.png", "x]y") }}

{% if true %}
{% call details("More") %}
{{ bullets(["*", "b"]) }}
{% endcall %}
{% endif %}
## Next
"""
    assert pages.tidy(write(template)) == (
        "![x\\]y](a%20b.png)\n\n<details>\n<summary>More</summary>\n\n- \\*\n- b\n\n</details>\n\n"
        "## Next\n"
    )


def test_a_long_list_is_folded() -> None:
    template = '{% from "macros.md.j2" import long_list %}{{ long_list(items, 5) }}'
    page = pages.tidy(write(template, items=[f"item {number}" for number in range(20)]))
    assert page.count("\n- item") == 19
    assert "- item 4\n\n<details>\n<summary>15 more</summary>\n\n- item 5\n" in page
    assert "<details>" not in write(template, items=["a", "b"])


def test_numbers_and_names_are_written_by_filters() -> None:
    template = "{{ 1234 | integer }}, {{ 1 | plural('image') }}, {{ 'grouped' | protocol_short }}"
    assert write(template) == "1,234, 1 image, leakage-free"


@pytest.mark.parametrize("value", [0.1234567, None, True, ["a"], {"a": 1}])
def test_what_is_not_text_is_an_error(value: object) -> None:
    with pytest.raises(TypeError, match="has gone through no filter"):
        write("{{ value }}", value=value)


@pytest.mark.parametrize(
    "template", ["{{ missing }}", "{{ value.missing }}", "{{ missing | cell }}"]
)
def test_what_is_missing_is_an_error(template: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        write(template, value={})


def test_parts_are_one_empty_line_apart() -> None:
    assert pages.tidy("\n\n# A\n\n\n\n\nb\n\n\n") == "# A\n\nb\n"


def test_markdown_is_plain_text_once_it_is_changed() -> None:
    changed = (Markdown("*") + "x", f"{Markdown('*')}", Markdown("*").upper())
    assert not any(isinstance(text, Markdown) for text in changed)
