"""What the models say of images that no class of the tree is the truth of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lcbench.analysis.external_arms import Arm, Crossed
from lcbench.analysis.external_detail_results import (
    AnswersAtLevel,
    AnswerShare,
    LabelAnswers,
    ModelAnswers,
    SureShare,
)
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.thresholds import Thresholds
from lcbench.runs.external_records import ExternalRecord
from lcbench.statistics.selective import Level, levels_of


def answers_without_truth(
    arms: Sequence[Arm], record: ExternalRecord, thresholds: Thresholds, settings: AnalysisSettings
) -> tuple[LabelAnswers, ...]:
    """Return the answers of every arm to the images of each label that fixes nothing.

    Parameters
    ----------
    arms
        Their rows are these images.
    record
        Says why each label is scored nowhere.
    thresholds
        Of the runs' own validation images.
    settings
        How intervals are computed.
    """
    if not arms:
        return ()
    fates = {label.label: label.fate for label in record.labels if not label.node}
    images = arms[0].table.drop_duplicates("image")["given"].value_counts()
    return tuple(
        LabelAnswers(
            label=label,
            fate=fates.get(label),
            images=int(images[label]),
            models=tuple(
                _of_model(arm.keep((arm.table["given"] == label).to_numpy()), thresholds, settings)
                for arm in arms
            ),
        )
        for label in sorted(images.index)
    )


def _of_model(arm: Arm, thresholds: Thresholds, settings: AnalysisSettings) -> ModelAnswers:
    return ModelAnswers(
        baseline=arm.baseline,
        protocol=arm.protocol,
        runs=arm.runs,
        levels=tuple(_at_level(arm, level, thresholds, settings) for level in levels_of(arm.tree)),
    )


def _at_level(
    arm: Arm, level: Level, thresholds: Thresholds, settings: AnalysisSettings
) -> AnswersAtLevel:
    every = np.ones(len(arm.table), np.bool_)
    of_rows = Crossed.of(arm, every, np.zeros(len(every), np.int64))
    answered = level.choice.leaf_option[arm.at_level(level.level)]
    sums = level.answers(arm.probabilities, np.zeros(len(every), np.int64))
    choices = thresholds.choices(sums, level.level, arm.key, arm.cells, arm.run)
    return AnswersAtLevel(
        level=level.level,
        answers=tuple(
            AnswerShare(node=node, share=of_rows.share(answered == option, settings))
            for option, node in enumerate(level.choice.options)
        ),
        confidence=of_rows.mean(sums.confidence, settings),
        sure=tuple(
            SureShare(target=target, share=of_rows.share(choice.answers.answered, settings))
            for target, choice in choices.items()
        ),
    )
