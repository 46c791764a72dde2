"""Parts of the images: estimates as the report has them, and counts without any interval."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lcbench.analysis.coded import CodedPredictions
from lcbench.rendering.explorer.image_data import ProtocolImages
from lcbench.rendering.explorer.images import protocol_images
from lcbench.rendering.explorer.places import numbers
from lcbench.rendering.explorer.subsets import (
    COPY,
    NO_COPY,
    NOT_KNOWN,
    copies_in_training,
    parts_of,
    subsets_section,
)
from lcbench.runs.suite_images import ABSENT, TRAIN, read_suite_images

from .conftest import HOSTILE_NAME, Explored, WholePage


@pytest.fixture(scope="module")
def protocols(explored: Explored) -> tuple[ProtocolImages, ...]:
    images = read_suite_images(explored.folder, explored.suite)
    return protocol_images(explored.suite, images)


def test_estimates_are_those_of_the_report(
    explored: Explored, protocols: tuple[ProtocolImages, ...]
) -> None:
    section = subsets_section(explored.results, explored.suite.taxonomy, protocols)
    data: Any = section.data
    for number, result in enumerate(explored.results.protocols):
        parts = {one["title"]: one["models"] for one in data["protocols"][number]}
        for place, model in enumerate(result.comparison.models):
            every = parts["all test images"][place]
            assert every[0] == numbers(model.accuracy)[:3]
            assert every[1] == numbers(model.get("confusion_rate", "malignant"))[:3]
            recall = model.get("recall", "adenocarcinoma")
            assert recall is not None
            assert parts["adenocarcinoma"][place][0][0] == pytest.approx(recall.value, abs=1e-6)
            assert parts["benign"][place][1] == [None] * 3  # none of them has a subtype
        majority = [one[0] for one in parts.values()]
        assert all(one[0][1] is None for one in majority)  # a constant answer has no interval
        low, high = parts["malignant"][2][0][1:]
        assert low < parts["malignant"][2][0][0] <= high


def test_copies_in_training_are_those_of_the_split(
    explored: Explored, protocols: tuple[ProtocolImages, ...]
) -> None:
    (paper, grouped) = protocols
    assert set(copies_in_training(paper)) == {NOT_KNOWN}  # no split file is there

    def whole(one: ProtocolImages) -> ProtocolImages:
        splits = tuple(
            replace(split, sides=np.where(split.sides == ABSENT, TRAIN, split.sides), whole=True)
            for split in one.splits
        )
        return replace(one, splits=splits)

    assert set(copies_in_training(whole(grouped))) == {NO_COPY}
    near = copies_in_training(whole(paper))
    assert set(near) == {NO_COPY, COPY} or set(near) == {COPY}
    near[0] = NO_COPY
    coded = CodedPredictions.of(paper.aligned, explored.suite.taxonomy)
    titles = {one.title: int(one.rows.sum()) for one in parts_of(coded, near)}
    assert titles["without an image of the same source group in training"] == (near == 0).sum()
    unknown = paper.images.table.assign(group="")
    nameless = replace(whole(paper), images=replace(paper.images, table=unknown))
    assert set(copies_in_training(nameless)) == {NOT_KNOWN}


def wrong_of(one: ProtocolImages, name: str) -> dict[int, list[bool]]:
    """Whether each answer to an image is wrong."""
    leaves = ("adenocarcinoma", "benign", "squamous_cell_carcinoma")
    found: dict[int, list[bool]] = {}
    order = sorted(leaves, key=["benign", "adenocarcinoma", "squamous_cell_carcinoma"].index)
    for image, true, answer in zip(
        one.image_of_row, one.aligned.rows["true"], one.aligned.predicted[name], strict=True
    ):
        found.setdefault(int(image), []).append(order[answer] != true)
    return found


def test_parts_chosen_by_answers_are_counted_and_open_their_images(
    open_whole: WholePage, protocols: tuple[ProtocolImages, ...]
) -> None:
    (paper, grouped) = (wrong_of(one, "reference") for one in protocols)
    colour = wrong_of(protocols[1], "colour")

    def often(tally: dict[int, list[bool]], image: int) -> bool:
        return 2 * sum(tally[image]) > len(tally[image])

    def seldom(tally: dict[int, list[bool]], image: int) -> bool:
        return 2 * sum(tally[image]) < len(tally[image])

    wanted = {
        "always": [one for one, wrong in grouped.items() if all(wrong)],
        "sometimes": [one for one, wrong in grouped.items() if any(wrong) and not all(wrong)],
        "mine": [one for one in grouped if seldom(grouped, one) and often(colour, one)],
        "theirs": [one for one in grouped if often(grouped, one) and seldom(colour, one)],
        "leak": [one for one in grouped if one in paper and often(grouped, one)
                 and seldom(paper, one)],
    }  # fmt: skip
    page = open_whole("#subsets.protocol=1&subsets.baseline=2&subsets.other=1")
    section = page.locator("#subsets")
    for name, images in wanted.items():
        cells = section.locator(f"tr[data-row={name}] td").all_inner_texts()
        assert cells[0] == str(len(images))
        assert "[" not in " ".join(cells)
    assert wanted["sometimes"]
    section.locator("[data-part=sometimes]").click()
    section.locator("article.image").first.wait_for()
    words = section.locator(".part-words")
    assert words.get_attribute("data-images") == str(len(wanted["sometimes"]))
    shown = {
        int(card.get_attribute("data-image") or -1)
        for card in section.locator("article.image").all()
    }
    assert shown <= set(wanted["sometimes"])
    section.locator("[data-part=drawn-1]").click()
    page.wait_for_function(
        "() => document.querySelector('#subsets h3').textContent.startsWith('benign')"
    )
    assert words.get_attribute("data-images") == "40"
    section.get_by_label("Source group", exact=True).fill("nothing of the kind")
    section.get_by_role("button", name="Open").click()
    assert "No tested image" in section.locator("form [role=status]").inner_text()
    group = protocols[1].images.table["group"].iloc[0]
    section.get_by_label("Source group", exact=True).fill(f"{HOSTILE_NAME}{group}")
    section.get_by_label("Source group", exact=True).press("Enter")
    page.wait_for_function(
        "() => document.querySelector('#subsets h3').textContent.startsWith('source group')"
    )
    assert "there is no interval" in words.inner_text()
    assert page.locator("img[src=x]").count() == 0
