"""What people read of an audit: pages kept to be read, names from outside, how images lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from lcbench.audit.results import (
    KINDS,
    LISTED,
    AuditResults,
    Crossing,
    FolderFacts,
    GroupFacts,
    LabelGroups,
    Merge,
    Pair,
    PairList,
    Published,
    SplitGroup,
    UnrelatedFacts,
)
from lcbench.console import out
from lcbench.datasets.images import image_now
from lcbench.rendering.audit.files import audit_page, pairs_table
from lcbench.rendering.audit.screen import show_audit
from lcbench.rendering.audit.sentences import how_they_lie, statements
from lcbench.rendering.plots.pairs import draw_pair

from ...audit.builders import draw, image, pair
from ..golden import PARSER, require_golden, tables

NONE = PairList.of([])
FEW = GroupFacts(groups=2, single=2, median=1, largest=1)


def audit(**changes: Any) -> AuditResults:
    """One folder of two images that have nothing in common, where nothing else is said."""
    values: dict[str, Any] = {
        "command": "lcbench audit data", "created": "2026-11-23T21:09:47Z", "commit": "",
        "versions": {"python": "3.11.7", "lcbench": "0.1.0"}, "seconds": 0.4,
        "peak_memory_mb": 171.6, "split": None, "without_side": 0, "images": 2, "distinct": 2,
        "folders": (FolderFacts(name="data", images=2, labels={"normal": 2}),),
        "unreadable": (), "incomparable": (), "tried": 1, "highest_rejected": 0.4123,
        "lowest_joined": None, "pairs": dict.fromkeys(KINDS, 0), "exact": NONE, "doubtful": NONE,
        "groups": FEW, "labels": (LabelGroups(label="normal", images=2, facts=FEW),),
        "crossings": (), "crossing_pairs": NONE, "two_labels": NONE, "two_label_groups": 0,
    }  # fmt: skip
    return AuditResults(**{**values, **changes})


def everything(names: list[str]) -> tuple[AuditResults, list[Pair]]:
    """An audit with something in every section, of seven images of these names; and its pairs."""
    a, b, c, d, e, f, g = names
    copy = pair(
        image(a, label="aca", side="test"), image(b, label="aca", side="train"), "same file"
    )
    near = pair(
        image(c, label="aca", side="test"), image(d, label="normal", side="train"), "near copy",
        mirrored=True, rotation=-24.4, correlation=0.98765, brightness=-7, overlap=0.973,
        overlap_second=0.97, recoloured=True,
    )  # fmt: skip
    field = pair(e, f, "overlapping field", overlap=0.31, overlap_first=0.31, correlation=0.92)
    slices = pair(e, f, "neighbouring slice", local=0.712, rate=0.00021)
    doubtful = pair(
        f, g, "near copy", joined=False, correlation=0.8, local=0.44, doubt="the detail differs"
    )
    facts = GroupFacts(groups=1234, single=1, median=1.5, largest=2)
    published = Published(
        file="g|1.csv", images=5, not_named=1, published_groups=3, found_groups=2,
        same_group_pairs=3, together=2, recall=2 / 3, precision=1, ari=0.5, ari_after_merges=0.75,
        certain=0.9, merges=(Merge(first_group="p|1", second_group="p2", pair=near),),
        splits=(SplitGroup(group="p3", sizes=(8, 6), apart=(a, b, c, d, e, f)),),
    )  # fmt: skip
    results = audit(
        split="s_1.csv", without_side=1, images=1236, unreadable=(f"{g}: empty file",),
        incomparable=(g,), tried=18000, lowest_joined=0.92,
        lowest_local=0.71, highest_rate=0.00021, doubts={"the detail differs": 1},
        unrelated=UnrelatedFacts(pairs=200, highest=0.41, most=0.72),
        pairs={
            "same file": 1, "same pixels": 2, "near copy": 1, "neighbouring slice": 1,
            "overlapping field": 1,
        },
        exact=PairList.of([copy]), doubtful=PairList.of([doubtful]), groups=facts,
        folders=(
            FolderFacts(name="one", images=1000, labels={"aca": 900, "": 100}),
            FolderFacts(name="t_w_o", images=236, labels={"normal": 236}),
        ),
        labels=(LabelGroups(label="", images=100, facts=facts),),
        crossings=(
            Crossing(
                side="test", other="train", images=4, with_sibling=2, groups=1, groups_shared=1,
                exact=1,
            ),
        ),
        crossing_pairs=PairList.of([copy, near, slices]),
        two_labels=PairList.of([near, *[field] * LISTED]),
        two_label_groups=2,
        published=published,
    )  # fmt: skip
    return results, [copy, near, field, doubtful]


def test_the_page_of_an_audit_that_found_nothing() -> None:
    require_golden(audit_page(audit()), "audit-nothing.md")


def test_the_page_of_an_audit_that_found_everything() -> None:
    names = [f"{'test' if n % 2 else 'train'}/aca/{n}.png" for n in range(7)]
    results, (copy, near, field, _) = everything(names)
    few = results.two_labels.model_copy(update={"shown": (near, field)})
    page = audit_page(
        results.model_copy(update={"two_labels": few}),
        [("figures/overlaps.png", "Overlaps")],
        [("Across the split s_1.csv", copy)],
        {copy: "pairs/001.png", near: "pairs/002.png"},
    )
    require_golden(page, "audit-everything.md")


HOSTILE = [
    "[red]a|b.png", "<b>bold.png", "`c` *d* _e_.png", "![x](y).png", "$f$ $\\g.png",
    "new\n\n# line.png", "</summary>{{ a }}.png",
]  # fmt: skip


def test_names_from_outside_stay_text_on_the_page() -> None:
    results, pairs = everything(HOSTILE)
    pictures = {one: f"pairs/{n}.png" for n, one in enumerate(pairs)}
    page = audit_page(results, [], [("Example", one) for one in pairs], pictures)
    html = PARSER.render(page)
    marks = {re.split(r"[\s>]", part)[0].strip("/") for part in html.split("<")[1:]}
    assert marks <= {
        "h1", "h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code",
        "details", "summary", "a", "img",
    }  # fmt: skip
    assert html.count("<summary>") == html.count("</summary>") == 1
    assert set(re.findall(r'(?:src|href)="([^"]*)"', html)) == set(pictures.values())
    text = re.sub(r"<[^>]*>", "", html)
    for name in HOSTILE:
        assert " ".join(name.split()).replace("<", "&lt;").replace(">", "&gt;") in text
    assert len(tables(page)) > 5


def test_the_screen_says_what_the_page_says() -> None:
    results, _ = everything(HOSTILE)
    with out.capture() as captured:
        show_audit(results)
    shown = captured.get()
    said = [line[2:] for line in shown.splitlines() if line.startswith("- ")]
    assert said == [" ".join(sentence.splitlines()) for sentence in statements(results)]
    page = MarkdownIt("commonmark").parse(audit_page(results).split("\n## ")[0])
    bullets = [token for token in page if token.type == "inline"][1:]
    read = ["".join(child.content for child in token.children or []) for token in bullets]
    assert read == [" ".join(sentence.split()) for sentence in statements(results)]
    assert "Across the split s_1.csv" in shown
    assert "(no folder)" in shown


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "in place, stored anew"),
        ({"rotation": 0.9, "scale": 1.02, "stretch": 1.04, "overlap_second": 0.98,
          "brightness": 5.9}, "in place, stored anew"),
        ({"mirrored": True, "rotation": -90}, "mirrored, turned by 90°"),
        ({"mirrored": True, "rotation": 180}, "mirrored upside down"),
        ({"mirrored": True, "rotation": 120}, "mirrored upside down, turned by 60°"),
        ({"rotation": 180}, "turned by 180°"),
        ({"rotation": 1, "overlap_second": 0.96}, "turned by 1°, cropped"),
        ({"scale": 0.5, "brightness": 6}, "scaled by 0.50, brighter"),
        ({"mirrored": True, "rotation": -17, "scale": 2, "stretch": 1.5, "overlap_first": 0.5,
          "brightness": -20, "recoloured": True},
         "mirrored, turned by 17°, scaled by 2.00, stretched by 1.50, cropped, darker, recoloured"),
    ],
)  # fmt: skip
def test_how_images_lie_is_said_in_words(changes: dict[str, Any], said: str) -> None:
    assert how_they_lie(pair("a", "b", "near copy", **changes)) == said
    assert how_they_lie(pair("a", "b", "same pixels", **changes)) == ""


def test_the_table_of_pairs_has_a_column_for_each_value() -> None:
    _, pairs = everything(list("abcdefg"))
    table = pairs_table(pairs)
    assert table["first"].tolist() == ["a", "c", "e", "f"]
    assert table["transform"][1] == "mirrored, turned by 24°, darker, recoloured"
    assert table.loc[0, "m11":"m23"].tolist() == [1, 0, 0, 0, 1, 0]
    assert not table.drop(columns=["inliers", "local", "rate"]).isna().any(axis=None)
    assert pairs_table([]).columns.tolist() == table.columns.tolist()


def test_a_picture_of_a_pair_names_its_images_and_fits_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame of the first lies outside the second; the axes show the images all the same."""
    figures: list[Any] = []
    monkeypatch.setattr(
        "lcbench.rendering.plots.canvas.save", lambda figure, *_, **__: figures.append(figure)
    )
    for name in "ab":
        draw(0, tmp_path / f"{name}.png")
    far = pair(image("a.png", side="test"), "b.png", "near copy", matrix=(1, 0, 900, 0, 1, 0))
    files = {f"{name}.png": image_now(tmp_path / f"{name}.png") for name in "ab"}
    draw_pair(far, files, tmp_path / "x.png")
    first, second, both = figures[0].axes
    assert first.get_title("left") == "a.png  (test)"
    assert second.get_title("left") == "b.png"
    for axes in (first, second, both):
        assert axes.get_xlim() == (-0.5, 159.5)
        assert axes.get_ylim() == (159.5, -0.5)
    colours = [[line.get_color() for line in axes.lines][-1] for axes in (second, first)]
    titles = [axes._left_title.get_color() for axes in (first, second)]
    assert colours == titles
