"""The document without a browser: what stands in it, that nothing leaves its place, same bytes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.analysis.results import Results
from lcbench.rendering import formats
from lcbench.rendering.explorer.comparisons import comparisons_section
from lcbench.rendering.explorer.document import document
from lcbench.rendering.explorer.embedding import embed, json_text, number
from lcbench.rendering.explorer.overview import overview_section
from lcbench.rendering.explorer.scores import scores_section
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.markdown import visible

from .. import suites


class Reader(HTMLParser):
    """The text of every element by tag and id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.texts.append((f"after {tag}", {}, ""))

    def handle_data(self, data: str) -> None:
        if self.texts:
            tag, attributes, text = self.texts[-1]
            self.texts[-1] = (tag, attributes, text + data)

    def of(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, text) for found, attributes, text in self.texts if found == tag]


def page_of(results: Results) -> str:
    sections = [overview_section(results), scores_section(results)]
    return document(results.suite, sections, ("README.md",))


@settings(max_examples=60)
@given(
    st.text() | st.sampled_from(["</script><script>", "<!--", "\u2028", "a\u202eb", "]]>", "&lt;"])
)
def test_no_text_leaves_its_script(text: str) -> None:
    written = json_text({"name": text, text: 1})
    assert not re.search(r"[<>&\u2028\u2029]", written)
    assert json.loads(written) == {"name": visible(text), visible(text): 1}


def test_numbers_that_json_lacks() -> None:
    values = (None, float("nan"), float("inf"), float("-inf"), 0.12345678)
    assert [number(one) for one in values] == [None, None, "Infinity", "-Infinity", 0.123457]
    with pytest.raises(ValueError, match="JSON"):
        json_text(float("nan"))


@pytest.mark.parametrize("dtype", ["uint8", ">u4", "float32", "<i2"])
def test_arrays_come_back(dtype: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1).astype(dtype)
    found = embed(array)
    assert found == embed(array)
    raw = gzip.decompress(base64.b64decode(found.text))
    little = np.dtype(found.dtype).newbyteorder("<")
    shape = [int(length) for length in found.shape.split(",")]
    np.testing.assert_array_equal(np.frombuffer(raw, little).reshape(shape), array)


def test_what_no_browser_has_is_refused() -> None:
    with pytest.raises(ValueError, match="int64"):
        embed(np.arange(3))


def test_the_policy_names_every_script_and_style_and_no_host() -> None:
    reader = Reader(page_of(suites.lung()))
    (policy,) = (
        attributes["content"] or ""
        for attributes, _ in reader.of("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    run = [text for attributes, text in reader.of("script") if "type" not in attributes]
    assert len(run) > 3
    for text in (*run, *(text for _, text in reader.of("style"))):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"https?:|unsafe|\*", policy)
    assert not {"link", "iframe", "object", "base"} & {tag for tag, _, _ in reader.texts}


def test_the_same_results_give_the_same_bytes() -> None:
    assert page_of(suites.lung()) == page_of(suites.lung())


def test_every_score_and_comparison_is_there() -> None:
    results = suites.lung()
    models = [one for result in results.protocols for one in result.comparison.models]
    pairs = [one for result in results.protocols for one in result.comparison.pairs]
    (ct,) = results.external
    rows = rows_of(scores_section(results))
    assert len(rows) == sum(len(one.scores) for one in models) + len(ct.levels[0].scores)
    assert rows[0][:4] == ["test", "grouped", "majority", "accuracy"]
    assert rows[-1][:6] == ["ct, level 1", "grouped", "reference", "accuracy", "85.0 [83.0, 87.0]",
                            "85.0 [81.0, 89.0]"]  # fmt: skip
    compared = comparisons_section(results)
    assert compared
    assert len(rows_of(compared)) == sum(len(one.events) + len(one.differences) for one in pairs)
    assert comparisons_section(suites.flat()) is None


def rows_of(section: Section) -> list[list[object]]:
    found = json.loads(json_text(section.data))["rows"]
    assert isinstance(found, list)
    return found


def test_one_group_and_limits_without_end() -> None:
    from lcbench.rendering.explorer.places import numbers

    assert numbers(suites.interval(0.5, groups=1, training=None)) == [0.5, None, None, None, None]
    assert numbers(suites.interval(1.4, high=float("inf")))[2] == "Infinity"
    assert numbers(None) == [None] * 5
    assert formats.NONE == "–"
