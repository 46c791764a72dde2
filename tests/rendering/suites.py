"""Results with numbers written by hand: what pages are made of, without runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lcbench.analysis.claim_results import ClaimResult, PaperClaims, UnreadableClaims
from lcbench.analysis.external_results import (
    ExternalCounts,
    ExternalLevel,
    ExternalResult,
    ExternalScore,
)
from lcbench.analysis.hypothesis_results import HypothesisArm, HypothesisResult, HypothesisTest
from lcbench.analysis.results import (
    Baseline,
    ComparisonResults,
    Drop,
    Efficiency,
    Incomplete,
    MissingRun,
    ProtocolResult,
    Results,
    RunSummary,
    Split,
)
from lcbench.analysis.scores import (
    AnalysisSettings,
    Best,
    Effective,
    EventComparison,
    ModelComparison,
    ModelScores,
    Omnibus,
    PairedTest,
    PairResult,
    ReliabilityBin,
    Rival,
    Score,
    TrainingTest,
    Unmatched,
)
from lcbench.analysis.scoring import metric_catalogue
from lcbench.analysis.selective_scores import (
    AnswersAtLevel,
    CarriedOver,
    HierarchicalAnswers,
    HierarchicalPoint,
    OperatingPoint,
    SelectiveLevel,
    SelectiveResult,
    SelectiveScores,
)
from lcbench.runs.external_records import ExternalRecord, LabelCount, OverlapRecord
from lcbench.runs.plan_records import HypothesisRecord, LeftOut, RolesRecord
from lcbench.runs.records import BackboneRecord, DatasetRecord, SplitRecord, TaxonomyRecord
from lcbench.statistics.hierarchy import nodes_at_level
from lcbench.statistics.interval_model import Interval, TrainingLimits
from lcbench.statistics.pairwise import DEFAULT_TEST, TestName
from lcbench.statistics.registry import METRICS
from lcbench.statistics.tree import ClassTree
from lcbench.statistics.tree_metrics import TREE_METRICS
from lcbench.taxonomy import ROOT, Taxonomy

LUNG = TaxonomyRecord(
    name="lung",
    parents={
        "benign": "root", "malignant": "root", "adenocarcinoma": "malignant",
        "squamous_cell_carcinoma": "malignant",
    },
    negative="benign",
    subtypes_of="malignant",
)  # fmt: skip
DEEP = TaxonomyRecord(
    name="deep",
    parents={
        "normal": "root", "cancer": "root", "small_cell": "cancer", "nsclc": "cancer",
        "adeno": "nsclc", "squamous": "nsclc",
    },
    negative="normal",
    subtypes_of="cancer",
)  # fmt: skip
NET = BackboneRecord(
    name="tiny_net", weights="file tiny.safetensors", weights_sha256="a" * 64, random=False,
    preprocessing="224 px, bicubic", parameters=1_200, gmacs=0.25,
)  # fmt: skip
SETTINGS = AnalysisSettings(resamples=400)
GAINS = {"majority": 0.0, "reference": 0.05}
ACCURACIES = {
    "paper": {"majority": 0.33, "stain": 0.97, "reference": 0.98, "tree-cascade": 0.96},
    "grouped": {"majority": 0.33, "stain": 0.9, "reference": 0.91, "tree-cascade": 0.93},
}


def flat_tree(*leaves: str) -> TaxonomyRecord:
    """Classes below the root, with none of them negative."""
    parents = dict.fromkeys(leaves, "root")
    return TaxonomyRecord(name="organs", parents=parents, negative=None, subtypes_of=None)


FLAT = flat_tree("liver", "spleen", "kidney")


def interval(value: float | None, half: float = 0.02, **changes: Any) -> Interval:
    """An interval of this half width around a value; none where the value is not defined."""
    if value is None:
        return Interval(value=None, low=None, high=None, n=0, groups=0, method="not defined")
    limits = {"low": round(value - half, 6), "high": round(value + half, 6)}
    values = {"value": round(value, 6), **limits, "n": 240, "groups": 40, "method": "score"}
    values["training"] = TrainingLimits(
        low=round(value - 2 * half, 6), high=round(value + 2 * half, 6), error=half, seeds=2
    )
    return Interval(**{**values, **changes})


def score(metric: str, value: float | None, of: str = "", **changes: Any) -> Score:
    return Score(metric=metric, of=of, estimate=interval(value, **changes))


# Models on the same images


def events(tree: Taxonomy) -> list[tuple[str, str]]:
    """Return any error, and the decisions of a tree with that of the subtypes first."""
    nodes = [node for node in tree.inner_nodes if set(tree.children(node)) != set(tree.leaves)]
    nodes.sort(key=lambda node: node != tree.subtypes_of)
    return [("any_error", ""), *(("confusion", node) for node in nodes)]


def model(name: str, accuracy: float | None, tree: Taxonomy) -> ModelScores:
    """Return the scores of a model: all in some relation to its accuracy."""
    if accuracy is None:
        return given_model(name, [score("accuracy", None)], tree)
    scores = [
        score("accuracy", accuracy, count=round(240 * accuracy)),
        score("balanced_accuracy", accuracy),
        score("macro_f1", accuracy - 0.01),
        score("macro_auroc", min(0.97, accuracy + 0.04)),
        score("log_loss", None if name == "majority" else 1 - accuracy),
    ]
    for leaf in tree.leaves:
        scores += [score(metric, accuracy, leaf) for metric in ("precision", "f1", "auroc")]
        scores.append(score("recall", accuracy, leaf, count=round(80 * accuracy), n=80))
    for node in tree.inner_nodes:
        if node != ROOT:
            scores += [score("sensitivity", 0.96, node), score("specificity", 0.95, node)]
    for kind, node in events(tree):
        if kind == "confusion":
            scores.append(score("decision_accuracy", accuracy, node))
            scores.append(score("confusion_rate", (1 - accuracy) / 2, node))
    return given_model(
        name,
        [*scores, *along_the_tree(accuracy, tree)],
        tree,
        level_answers="own rule" if name.startswith("tree") else "sums",
        effective=Effective(n=75.6, design_effect=1.6),
        seeds={0: accuracy - 0.01, 1: accuracy + 0.01},
    )


def along_the_tree(accuracy: float, tree: Taxonomy) -> list[Score]:
    """Return the scores of levels, gates and paths."""
    arrays, errors = ClassTree.of(tree), round(240 * (1 - accuracy))
    found = [score("calibration_error", 0.04, low=None, high=None)]
    found += [score("hierarchical_f", accuracy), score("mistake_severity", 1.5, n=errors)]
    parts = {"missed": 0.25, "false_alarms": 0.15, "confusions": 0.5, "other_errors": 0.1}
    for key, part in parts.items():
        metric = METRICS[f"{key}_of_errors"]
        for node in metric.speaks_of(arrays):
            basis = {"count": round(part * errors), "n": errors}
            found.append(score(metric.key, part, node, **basis))
    for metric in TREE_METRICS:
        if not metric.key.endswith("_of_errors") and not metric.key.endswith("_of_all"):
            is_share = metric.unit == "share"
            value = min(0.99, accuracy + 0.02) if is_share else 1.2 - accuracy
            counted = is_share and not metric.key.startswith(("hierarchical", "level"))
            basis = {"count": round(240 * value)} if counted else {}
            if metric.key == "level_calibration_error":
                basis = {"low": None, "high": None}
            found += [score(metric.key, value, of, **basis) for of in metric.speaks_of(arrays)]
    return found


def given_model(name: str, scores: Sequence[Score], tree: Taxonomy, **changes: Any) -> ModelScores:
    """Return a model with these scores."""
    rows = range(len(tree.leaves))
    counts = tuple(tuple(30.5 if row == column else 2.25 for column in rows) for row in rows)
    bins = tuple(
        ReliabilityBin(confidence=confidence, right=interval(share, 0.1, n=16, groups=12))
        for confidence, share in ((0.61, 0.55), (0.93, 0.87), (0.998, 1.0))
    )
    values = {"model": name, "scores": tuple(scores), "confusion": counts, "reliability": bins}
    return ModelScores(**{**values, "effective": None, "seeds": {}, **changes})


def pair(a: str, b: str, gain: float | None, tree: Taxonomy) -> PairResult:
    """Return a model against another, from how much more accurate it is."""
    nodes = [node for kind, node in events(tree) if kind == "confusion"]
    right = [score("decision_accuracy", gain, node) for node in nodes]
    lost = None if gain is None else -gain
    return PairResult(
        a=a, b=b, differences=(score("accuracy", gain), *right),
        events=tuple(event(kind, node, lost) for kind, node in events(tree)),
    )  # fmt: skip


def event(
    kind: str,
    node: str,
    difference: float | None,
    *,
    p: float | None = None,
    reduction: Interval | None = None,
) -> EventComparison:
    """Return one event; by default a difference of five points is shown, and a smaller is not."""
    adjusted = p if p is not None else (0.004 if abs(difference or 0) >= 0.049 else 0.4)
    tests = tuple(
        PairedTest(
            name=name, statistic=1.5, p=adjusted / 2 if name == DEFAULT_TEST else 0.5,
            p_adjusted=adjusted if name == DEFAULT_TEST else 0.6, only_a=7, only_b=12, n=240,
            assumes_independent_images=name.assumes_independent_images,
        )
        for name in TestName
    )  # fmt: skip
    relative = None if difference is None else -20 * difference
    return EventComparison.model_validate(
        {
            "event": kind, "node": node, "groups": 40, "difference": interval(difference),
            "odds_ratio": interval(1.4, 0.3, high=float("inf")), "detectable": 0.031,
            "level": 0.025, "few_groups": False,
            "verdict": "different" if adjusted < 0.05 else "not shown",
            "training": TrainingTest(p=adjusted, p_adjusted=min(1.0, 20 * adjusted)),
            "relative_reduction": reduction or interval(relative, 0.2), "tests": tests,
        }
    )  # fmt: skip


def best(models: Sequence[ModelScores], floor: Collection[str]) -> Best | None:
    """Return who scores highest; differences of five points are shown."""
    found = {one.model: one.get("accuracy") for one in models if one.model not in floor}
    values = {name: one.value for name, one in found.items() if one and one.value is not None}
    ranked = sorted(values, key=lambda name: -values[name])
    if len(ranked) < 2:
        return None
    first, *rest = ranked
    return Best(
        model=first,
        rivals=tuple(
            Rival(model=name, difference=interval(values[first] - values[name])) for name in rest
        ),
    )


def comparison(
    models: Sequence[ModelScores], pairs: Sequence[PairResult], tree: Taxonomy, **changes: Any
) -> ModelComparison:
    """Return models on the same 120 images of 40 source groups, in two seeds."""
    omnibus = [
        {"event": kind, "node": node, "statistic": 9.5, "p": 0.01, "n": 240,
         "p_independent": 0.001, "groups": 40}
        for kind, node in events(tree)
    ]  # fmt: skip
    values = {
        "images": 120, "predictions": 240, "seeds": (0, 1), "groups": 40, "groups_known": True,
        "images_without_group": 0, "coarse": {}, "unmatched": (), "notes": (),
        "models": tuple(models), "pairs": tuple(pairs),
        "omnibus": tuple(map(Omnibus.model_validate, omnibus)) if len(models) > 2 else (),
        "best": best(models, ("majority",)),
    }  # fmt: skip
    return ModelComparison.model_validate(values | changes)


def compare_results(
    models: Mapping[str, Sequence[Score]],
    pairs: Mapping[tuple[str, str], float | None],
    *,
    taxonomy: TaxonomyRecord = LUNG,
    notes: Sequence[str] = (),
    command: str = "lcbench compare m1.csv m2.csv",
    **changes: Any,
) -> ComparisonResults:
    """What `lcbench compare` finds for models with these scores, and pairs with these gains."""
    tree = taxonomy.tree()
    return ComparisonResults(
        lcbench_version="0.2.0", command=command, settings=SETTINGS, taxonomy=taxonomy,
        leaves=tree.leaves, metrics=metric_catalogue(), matched_by="image", notes=tuple(notes),
        comparison=comparison(
            [given_model(name, scores, tree) for name, scores in models.items()],
            [pair(a, b, gain, tree) for (a, b), gain in pairs.items()],
            tree, **changes,
        ),
    )  # fmt: skip


# Suites


def suite(
    taxonomy: TaxonomyRecord,
    accuracies: Mapping[str, Mapping[str, float | None]],
    *,
    groups_known: bool = True,
    reference: str = "reference",
    floor: tuple[str, ...] = ("majority",),
    random: Collection[str] = (),
    **changes: Any,
) -> Results:
    """Results of a suite from its accuracies by protocol and baseline; `changes` replaces parts."""
    names = list(dict.fromkeys(name for found in accuracies.values() for name in found))
    tree = taxonomy.tree()
    values: dict[str, Any] = {
        "lcbench_version": "0.2.0", "suite": "small", "report_command": "lcbench report runs",
        "run_commands": ("lcbench run --suite small --data tiles",),
        "created": "2026-11-23T20:37:27Z", "machine": "Linux x86_64, 2 cores",
        "settings": SETTINGS, "reference": reference,
        "roles": RolesRecord(
            flattering="paper", leakage_free="grouped", claims=(), floor=floor,
            shortcut=("stain",),
        ),
        "dataset": DatasetRecord(
            name="tiles", synthetic=False, images=40 * len(tree.leaves),
            images_by_class=dict.fromkeys(tree.leaves, 40),
            source_groups=40 if groups_known else None,
            groups_source="groups.csv" if groups_known else "", skipped=(), sha256="d" * 16,
        ),
        "taxonomy": taxonomy, "leaves": tree.leaves, "metrics": metric_catalogue(),
        "baselines": tuple(_baseline(name, random=name in random) for name in names),
        "protocols": tuple(
            protocol_result(protocol, found, tree, reference, groups_known)
            for protocol, found in accuracies.items()
        ),
        "drops": _drops(accuracies), "efficiency": tuple(_cost(name) for name in names),
        "claims": (), "claims_unreadable": (), "external": (), "left_out": (), "incomplete": (),
        "runs": tuple(
            RunSummary(
                run=f"{protocol}/{name}/seed0", started="2026-11-23T20:45:56Z",
                commit="1e3426a33759", device="cpu", precision="fp32", versions={"torch": "2.8.0"},
            )
            for protocol, found in accuracies.items() for name in found
        ),
    }  # fmt: skip
    return Results.model_validate({**values, **changes})


def _baseline(name: str, *, random: bool) -> Baseline:
    has_network = name not in ("majority", "stain")
    backbone = NET.model_copy(update={"random": random})
    return Baseline(
        baseline=name, purpose=f"What {name} is for", kind="network" if has_network else name,
        hierarchical=name.startswith("tree"), backbone=backbone if has_network or random else None,
    )  # fmt: skip


def _cost(name: str) -> Efficiency:
    return Efficiency(
        baseline=name, device="cpu", precision="fp32", runs=4, parameters=3_535_363,
        learned=164_355, gmacs=None, images_per_second=None if name == "majority" else 63.1,
        train_seconds=8.237, peak_memory_mb=1_123.2,
    )  # fmt: skip


def _gain(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _drops(accuracies: Mapping[str, Mapping[str, float | None]]) -> tuple[Drop, ...]:
    paper, grouped = accuracies.get("paper", {}), accuracies.get("grouped", {})
    return tuple(
        Drop(
            baseline=name, flattering=interval(paper[name]), leakage_free=interval(grouped[name]),
            drop=interval(_gain(paper[name], grouped[name])),
        )
        for name in paper if name in grouped
    )  # fmt: skip


def protocol_result(
    protocol: str,
    accuracies: Mapping[str, float | None],
    tree: Taxonomy,
    reference: str,
    groups_known: bool,
) -> ProtocolResult:
    """Return what one protocol gave; the random split has siblings of every test image."""
    leaky = protocol == "paper"
    siblings = {
        "test_with_siblings": 19 if leaky else 0, "test_groups": 10,
        "test_groups_in_train": 9 if leaky else 0,
    }  # fmt: skip
    splits = tuple(
        Split(
            seed=0, fold=fold,
            record=SplitRecord.model_validate(
                {"sha256": f"{fold}" * 16, "train": 80, "validation": 20, "test": 20,
                 **(siblings if groups_known else dict.fromkeys(siblings))}
            ),
        )
        for fold in range(1 if leaky else 2)
    )  # fmt: skip
    others = [name for name in accuracies if name != reference and reference in accuracies]
    groups = {} if groups_known else {"groups": 120, "images_without_group": 120}
    return ProtocolResult(
        selective=selective(accuracies, tree, reference, leaky=leaky, known=groups_known),
        protocol=protocol, splits=splits, not_compared=(), missing=(), tested=120, planned=120,
        comparison=comparison(
            [model(name, value, tree) for name, value in accuracies.items()],
            [
                pair(reference, name, _gain(accuracies[name], accuracies[reference]), tree)
                for name in others
            ],
            tree, groups_known=groups_known, **groups,
        ),
    )  # fmt: skip


def selective(
    accuracies: Mapping[str, float | None],
    tree: Taxonomy,
    reference: str,
    *,
    leaky: bool = False,
    known: bool = True,
) -> SelectiveResult:
    """Return what selective prediction gives for models of these accuracies: the floor nothing."""
    found = {name: value for name, value in accuracies.items() if value is not None}
    levels = range(1, tree.height + 1)
    return SelectiveResult(
        targets=(0.01, 0.05), coverages=(0.25, 0.5, 0.75, 1.0), validation_images=20,
        validation_groups=12 if known else None, without_validation=(),
        levels=tuple(
            SelectiveLevel(
                level=level, classes=nodes_at_level(tree, level),
                models=tuple(
                    selective_scores(
                        name, value, leaky=leaky,
                        gain=_gain(value, found.get(reference)) if name != reference else None,
                    )
                    for name, value in found.items()
                ),
            )
            for level in levels
        ),
        answers=tuple(_answers(name, value, levels) for name, value in found.items()),
    )  # fmt: skip


def selective_scores(
    name: str, accuracy: float, gain: float | None, *, leaky: bool
) -> SelectiveScores:
    """Return a model at a level: the riskier, the more it answers."""
    error = 1 - accuracy
    silent = accuracy < 0.5
    nothing = interval(0.0, low=None, high=None, training=None)
    half = 0.009
    carried = CarriedOver(coverage=interval(0.95), risk=interval(error + 0.02, half))
    return SelectiveScores(
        model=name, area=interval(error / 4, error / 8),
        area_difference=None if gain is None else interval(-gain / 4),
        curve=tuple(round(error * step / 4, 6) for step in (0, 1, 2, 4)),
        points=tuple(
            OperatingPoint(
                target=target, thresholds=(None, None) if silent else (0.93, 0.0),
                coverage=nothing if silent else interval(accuracy - 0.3 + 5 * target),
                risk=interval(None if silent else error / 4 + target / 2, half),
                coverage_difference=None if gain is None else interval(gain),
                carried_over=None if leaky else carried,
            )
            for target in (0.01, 0.05)
        ),
    )  # fmt: skip


def _answers(name: str, accuracy: float, levels: Sequence[int]) -> HierarchicalAnswers:
    return HierarchicalAnswers(
        model=name,
        points=tuple(
            HierarchicalPoint(
                target=target, answered=interval(accuracy - 0.1), risk=interval(target, 0.005),
                levels=tuple(
                    AnswersAtLevel(
                        level=level, risk=interval(target + 0.01, 0.005),
                        share=interval((accuracy - 0.1) * level / sum(levels)),
                    )
                    for level in levels
                ),
            )
            for target in (0.01, 0.05)
        ),
    )  # fmt: skip


def external(
    name: str = "ct", gains: Mapping[str, float] = GAINS, about: str = "CT slices"
) -> ExternalResult:
    """Return an external folder with one level, from how far models are above the majority."""
    return ExternalResult(
        record=ExternalRecord(
            name=name, command=f"lcbench evaluate {name}", created="2026-11-23T21:00:23Z",
            about=about,
            labels=(
                LabelCount(label="aca", node="malignant", images=50),
                LabelCount(label="odd|one", node="", images=4),
            ),
            images=64, scored=60, copies=1, contradictions=(), unreadable=("x.png: truncated",),
            sha256="e" * 16, left_out=(LeftOut(baseline="big", reason="weights are gone"),),
            overlap=OverlapRecord(training_images=120, images=64, with_sibling=2, exact=1),
        ),
        groups_known=False,
        counts=ExternalCounts(
            answered=62, scored=60, groups=59, contaminated=2, contaminated_known=True,
            calibration=0, unscored=0,
        ),
        levels=(
            ExternalLevel(
                level=1, classes=("benign", "malignant"), images=60, majority_class="malignant",
                majority_rate=0.8,
                scores=tuple(
                    ExternalScore(
                        baseline=baseline, protocol="grouped", runs=2,
                        accuracy=interval(0.8 + gain, n=120, groups=59),
                        difference=interval(gain, n=120, groups=59),
                        # The limits for the way of training are twice as far.
                        simultaneous=interval(gain, 0.0125, n=120, groups=59),
                    )
                    for baseline, gain in gains.items()
                ),
            ),
        ),
    )  # fmt: skip


def claims() -> PaperClaims:
    """Return claims of a paper: consistent, different, a count, one that cannot be judged."""
    verdicts: tuple[dict[str, Any], ...] = (
        {"protocol": "paper", "measured": interval(0.98), "difference": interval(-0.008),
         "verdict": "consistent", "obstacles": ()},
        {"protocol": "grouped", "measured": interval(0.91), "difference": interval(-0.078),
         "verdict": "differs", "obstacles": ()},
        {"protocol": "paper", "measured": interval(22.7, 6.5), "difference": interval(5.7, 9.0),
         "verdict": "consistent", "obstacles": (), "metric": "confusions_of_all",
         "of": "malignant", "claim": "17 confusions", "unit": "count", "claimed": 17,
         "claim_low": 10.6, "claim_high": 27.2, "design_effect": 1.0},
        {"protocol": "grouped", "measured": None, "difference": None,
         "verdict": "not comparable", "obstacles": ("not measured", "no backbone"),
         "claim": "specificity 100 %", "claimed": 1.0, "claim_low": 0.9949, "claim_high": 1.0,
         "n": 750, "design_effect": None, "metric": "sensitivity", "of": "malignant"},
    )  # fmt: skip
    shared = {
        "claim": "accuracy of 98.8 %", "claimed": 0.988, "claim_low": 0.981, "claim_high": 0.992,
        "n": 2250, "design_effect": 2.4, "unit": "share", "of": "",
    }  # fmt: skip
    return PaperClaims(
        key="akinyemi2025", source="arXiv 2510.16310", title="Akinyemi et al.", protocol="paper",
        backbone="resnet50", other_backbone="tiny_net", remark="98.8 % would be 27 errors, not 17.",
        claims=tuple(
            ClaimResult.model_validate({"metric": "accuracy", **shared, **one}) for one in verdicts
        ),
    )  # fmt: skip


HYPOTHESIS = HypothesisRecord(
    text="Does anything halve the confusion of the subtypes while accuracy holds?",
    reduction=0.5, holds="accuracy",
)  # fmt: skip


def hypothesis_test(verdict: str, p: float = 0.2) -> HypothesisTest:
    """One arm's tests, with the same p-value wherever there is one."""
    return HypothesisTest.model_validate(
        {
            "p_reduction": p, "p_holds": p, "p": p, "p_adjusted": p, "p_reduction_adjusted": p,
            "p_refuted_adjusted": p, "verdict": verdict,
        }
    )  # fmt: skip


def hypothesis(
    verdicts: Mapping[str, str],
    *,
    node: str = "malignant",
    reduction: float = 0.5,
    margin: float | None = 0.01,
    detectable: Sequence[float | None] = (0.62, 0.7),
    training: bool = True,
) -> HypothesisResult:
    """The question with these verdicts of its arms."""
    places = enumerate(verdicts.items())
    return HypothesisResult(
        event="confusion" if node else "any_error", node=node, reduction=reduction, margin=margin,
        level=0.025,
        arms=tuple(
            HypothesisArm(
                baseline=name, reduction=interval(0.7, 0.1), difference=interval(-0.03),
                accuracy=interval(0.02), few_groups=place == 1,
                detectable=detectable[place % len(detectable)],
                networks=hypothesis_test(verdict, 0.004 if verdict == "shown" else 0.2),
                training=hypothesis_test("not shown") if training else None,
            )
            for place, (name, verdict) in places
        ),
    )  # fmt: skip


def asking(results: Results, verdicts: Mapping[str, Mapping[str, str]], **changes: Any) -> Results:
    """Add a question to results, with verdicts by protocol and arm."""
    protocols = tuple(
        one.model_copy(update={"hypothesis": hypothesis(verdicts[one.protocol], **changes)})
        if one.protocol in verdicts
        else one
        for one in results.protocols
    )
    roles = results.roles.model_copy(update={"hypothesis": HYPOTHESIS, "margin": 1.0})
    settings = results.settings.model_copy(update={"margin": 0.01})
    parts = {"protocols": protocols, "roles": roles, "settings": settings}
    return results.model_copy(update=parts)


def lung(**changes: Any) -> Results:
    """Three classes, both protocols, claims, an external folder, and things left out."""
    failed = {"run": "grouped/big/seed0", "kind": "failed", "detail": "out of memory"}
    never = {"run": "paper/big", "kind": "never started", "missing": ("seed0", "seed1")}
    parts: dict[str, Any] = {
        "claims": (claims(),), "external": (external(),),
        "claims_unreadable": (
            UnreadableClaims(key="lost.toml", reason="lost.toml: no such file of claims"),
        ),
        "left_out": (LeftOut(baseline="big", reason="no weights on this machine"),),
        "incomplete": tuple(
            Incomplete.model_validate({"detail": "", "missing": (), **one})
            for one in (failed, never)
        ),
    }  # fmt: skip
    results = suite(LUNG, ACCURACIES, **{**parts, **changes})
    return asking(
        results,
        {
            "paper": {"stain": "shown", "tree-cascade": "not shown"},
            "grouped": {"stain": "refuted", "tree-cascade": "not shown"},
        },
    )


def deep(**changes: Any) -> Results:
    """A tree of depth 3 under the random split alone: groups unknown, random weights."""
    accuracies = {"paper": {"reference": 0.9, "tree-two-head": 0.84}}
    results = suite(DEEP, accuracies, groups_known=False, random=("reference", "tree-two-head"))
    (protocol,) = results.protocols
    unmatched = (Unmatched(model="reference", images=2, predictions=2, examples=("a.png",)),)
    odd = {"coarse": {"cancer": 4}, "unmatched": unmatched, "notes": ("a note",)}
    partly = {
        "missing": (MissingRun(seed=1, fold=0, models=("reference",)),), "tested": 96,
        "not_compared": ("late",), "comparison": protocol.comparison.model_copy(update=odd),
    }  # fmt: skip
    data = {"synthetic": True, "images_by_class": {"normal": 10, "adeno": 150}}
    parts: dict[str, Any] = {
        "dataset": results.dataset.model_copy(update=data),
        "protocols": (protocol.model_copy(update=partly),),
    }
    return results.model_copy(update={**parts, **changes})


def flat(**changes: Any) -> Results:
    """A flat tree under the leakage-free protocol alone; the reference did not finish."""
    return suite(FLAT, {"grouped": {"majority": 0.33, "knn": 0.8}}, **changes)
