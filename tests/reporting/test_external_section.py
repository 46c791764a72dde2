"""The external folders: what stands in their section, and in words."""

import pytest

from lcbench.rendering.external_section import level_words

from .pages import section, tables


def test_external(page):
    part = section(page, "## External folders")
    assert "### chest-ct" in part
    assert part.count("On chest-ct, ") == 2
    assert "the best of 12 models" in part
    assert "238 images, of which 234 are scored; 1 byte-identical copy, resampled with" in part
    scores, labels = tables(part)
    assert len(scores) == 1 + 14
    assert labels[0] == ["label", "read as", "images"]
    assert ["large.cell.carcinoma", "malignant", "51"] in labels
    assert ["what?|<b>", "left out: unknown", "4"] in labels
    for words in (
        "normal/x.png: truncated file",
        "normal/3.png = adenocarcinoma/7.png",
        "tf_efficientnet_lite1: weights are gone",
    ):
        assert words in part
    assert "source groups unknown: images resampled, intervals too narrow" in part


def external_level(core_results, differences):
    (folder,) = core_results.external
    level = folder.levels[0]
    scores = []
    for number, (low, value, high) in enumerate(differences):
        score = level.scores[1 + number]
        accuracy = score.accuracy.model_copy(update={"value": 0.876 + value})
        difference = score.difference.model_copy(update={"value": value, "low": low, "high": high})
        scores.append(score.model_copy(update={"accuracy": accuracy, "difference": difference}))
    return level.model_copy(update={"scores": (level.scores[0], *scores)})


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        (
            [(0.01, 0.04, 0.07), (-0.05, -0.03, -0.01), (-0.01, 0.0, 0.01)],
            "the best of 3 models, colour trained under paper (chosen afterwards), is 4.0 points "
            "above the majority rate [+1.0, +7.0]: 91.6 % against 87.6 % for always answering "
            "malignant. Shown to be above the majority rate: 1 of the 3 models; below it: 1",
        ),
        (
            [(-0.01, 0.02, 0.05), (-0.05, -0.03, -0.01)],
            "(chosen afterwards), is not shown to be above the majority rate, +2.0 [−1.0, +5.0] "
            "points: 89.6 % against 87.6 %",
        ),
        (
            [(-0.05, -0.02, -0.01), (-0.06, -0.03, -0.01)],
            "is 2.0 points below the majority rate [−5.0, −1.0]: 85.6 % against 87.6 %",
        ),
        ([(0.01, 0.04, 0.07)], "(234 images): colour trained under paper is 4.0 points above"),
    ],
)
def test_external_words(core_results, differences, words):
    assert words in level_words("ct", external_level(core_results, differences))
