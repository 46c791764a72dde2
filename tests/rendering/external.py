"""An external folder of which everything is known, made by hand."""

from __future__ import annotations

from typing import Any

from lcbench.analysis.external_detail_results import (
    AnswersAtLevel,
    AnswerShare,
    CalibratedLevel,
    CalibratedNode,
    CalibrationResult,
    DetectionPoint,
    ExternalNode,
    LabelAnswers,
    ModelAnswers,
    NodeScore,
    OneClassLevel,
    OneClassScore,
    SureShare,
)
from lcbench.analysis.external_results import ExternalResult, RunAccuracy, UnitResult
from lcbench.analysis.scores import Score
from lcbench.runs.records import StoredFile
from lcbench.statistics.interval_model import NOT_DEFINED

from .suites import external, interval

WHO: dict[str, Any] = {"baseline": "reference", "protocol": "grouped", "runs": 2}


def node(*, positives: int = 48, negatives: int = 12) -> ExternalNode:
    """Detection of malignant."""
    some = interval(0.9)
    return ExternalNode(
        node="malignant", positives=positives, negatives=negatives,
        scores=(
            NodeScore(
                **WHO, sensitivity=some if positives else NOT_DEFINED,
                specificity=some if negatives else NOT_DEFINED, auroc=some,
                average_precision=some, point=point(),
            ),
        ),
    )  # fmt: skip


def point() -> DetectionPoint:
    """Detection at thresholds of other images."""
    return DetectionPoint(
        target=0.95, thresholds=(0.4, 0.6), chosen_sensitivity=0.955, chosen_specificity=0.99,
        sensitivity=interval(0.7), specificity=interval(0.6),
    )  # fmt: skip


def one_class(name: str = "benign") -> OneClassLevel:
    """A level at which all images are of one class, under two models."""
    return OneClassLevel(
        level=1, node=name, images=40,
        scores=(
            OneClassScore(**WHO, called=interval(0.25)),
            OneClassScore(**{**WHO, "baseline": "other"}, called=interval(0.75)),
        ),
    )  # fmt: skip


def answers(label: str = "granuloma") -> LabelAnswers:
    """What is said of images without a truth."""
    at = AnswersAtLevel(
        level=1, confidence=interval(0.8),
        answers=(
            AnswerShare(node="benign", share=interval(0.2)),
            AnswerShare(node="malignant", share=interval(0.8)),
        ),
        sure=(SureShare(target=0.01, share=interval(0.55)),),
    )  # fmt: skip
    return LabelAnswers(
        label=label, fate="unknown", images=6, models=(ModelAnswers(**WHO, levels=(at,)),)
    )


def calibrated() -> CalibrationResult:
    """A model before and after a temperature."""

    def scores(loss: float) -> tuple[Score, ...]:
        return tuple(
            Score(metric=name, estimate=interval(loss, 0.01))
            for name in ("log_loss", "brier_score", "calibration_error")
        )

    return CalibrationResult(
        **WHO, images=30, groups=15, temperature=1.75,
        levels=(
            CalibratedLevel(
                level=1, before=scores(0.9), after=scores(0.5), difference=scores(-0.4)
            ),
        ),
        nodes=(CalibratedNode(node="malignant", point=point()),),
    )  # fmt: skip


def everything(name: str = "ct") -> ExternalResult:
    """A folder with patients, contaminated images, a calibration part and a label without truth."""
    folder = external(name)
    (level,) = folder.levels
    scores = tuple(
        one.model_copy(
            update={
                "average": interval(0.84), "apart": 7,
                "alone": tuple(
                    RunAccuracy(seed=0, fold=fold, accuracy=0.7 + fold / 10) for fold in (0, 1)
                ),
            }
        )
        for one in level.scores
    )  # fmt: skip
    level = level.model_copy(update={"scores": scores})
    assert folder.counts is not None
    counts = folder.counts.model_copy(update={"calibration": 30, "unscored": 6, "answered": 98})
    table = StoredFile(size=1, sha256="0" * 64)
    return folder.model_copy(
        update={
            "record": folder.record.model_copy(
                update={
                    "unit": "patient", "groups_source": "patients of list.csv", "table": table,
                    "images": 100,
                }
            ),
            "groups_known": True, "counts": counts, "levels": (level,), "nodes": (node(),),
            "contaminated": (level.model_copy(update={"images": 62}),),
            "units": UnitResult(
                unit="patient", units=31, images=60, contradictory=1,
                levels=(level.model_copy(update={"images": 30}),), one_class=(), nodes=(node(),),
            ),
            "answers": (answers(), answers("")), "calibration": (calibrated(),),
        }
    )  # fmt: skip
