"""From what is about to run to the records that are stored with it."""

from __future__ import annotations

from lcbench.compute import Compute
from lcbench.datasets.dataset import Dataset
from lcbench.leakage.pixel_groups import PixelCheck
from lcbench.models.backbones import Backbone
from lcbench.provenance import command, commit, machine, now, versions
from lcbench.runs.plan import Plan, PlannedBaseline, PlannedSplit
from lcbench.runs.records import (
    BackboneRecord,
    DatasetRecord,
    LeftOut,
    PlanRecord,
    RunConfig,
    SplitRecord,
    TaxonomyRecord,
)
from lcbench.taxonomy import Taxonomy


def describe_plan(plan: Plan, left_out: tuple[LeftOut, ...]) -> PlanRecord:
    """Return the record of a suite."""
    return PlanRecord(
        suite=plan.suite.name,
        command=command(),
        created=now(),
        protocols=plan.protocols,
        seeds=plan.seeds,
        baselines=tuple(baseline.name for baseline in plan.baselines),
        left_out=left_out,
        reference=plan.suite.reference,
        dataset=describe_dataset(plan.dataset, plan.pixel_check),
        taxonomy=describe_taxonomy(plan.taxonomy),
        aliases=plan.taxonomy.aliases,
        machine=machine(),
        root=str(plan.dataset.root.resolve()),
    )


def describe_run(plan: Plan, baseline: PlannedBaseline, planned: PlannedSplit) -> RunConfig:
    """Return the record of one run."""
    return RunConfig(
        suite=plan.suite.name,
        protocol=planned.split.protocol,
        baseline=baseline.name,
        purpose=baseline.recipe.purpose,
        kind=baseline.recipe.kind,
        recipe=baseline.settings.model_dump(mode="json", exclude_none=True),
        seed=planned.split.seed,
        fold=planned.split.fold,
        taxonomy=describe_taxonomy(plan.taxonomy),
        dataset=describe_dataset(plan.dataset, plan.pixel_check),
        split=_describe_split(planned),
        backbone=describe_backbone(baseline.backbone) if baseline.backbone else None,
        device=plan.compute.device,
        precision=_precision(baseline, plan.compute),
        versions=versions(),
        commit=commit(),
    )


def describe_dataset(dataset: Dataset, check: PixelCheck | None = None) -> DatasetRecord:
    """Return the record of a dataset, and where pixels disagree with its groups."""
    manifest = dataset.manifest
    return DatasetRecord(
        name=dataset.name,
        synthetic=dataset.synthetic,
        images=len(manifest),
        images_by_class={str(k): int(v) for k, v in manifest["label"].value_counts().items()},
        source_groups=manifest["group"].nunique() if dataset.groups_known else None,
        groups_source=dataset.groups_words,
        skipped=dataset.skipped,
        sha256=dataset.sha256,
        pixel_check="" if check is None else str(check),
    )


def describe_taxonomy(taxonomy: Taxonomy) -> TaxonomyRecord:
    """Return the record of a class tree."""
    return TaxonomyRecord(
        name=taxonomy.name,
        parents=taxonomy.parents,
        negative=taxonomy.negative,
        subtypes_of=taxonomy.subtypes_of,
    )


def describe_backbone(backbone: Backbone) -> BackboneRecord:
    """Return the record of a backbone; it is loaded to find out."""
    facts = backbone.facts
    return BackboneRecord(
        name=backbone.name,
        weights=str(backbone.source),
        weights_sha256=facts.weights_sha256,
        random=backbone.random,
        preprocessing=str(backbone.preprocessing),
        parameters=facts.parameters,
        gmacs=facts.gmacs,
    )


def _describe_split(planned: PlannedSplit) -> SplitRecord:
    split, siblings, proven = planned.split, planned.siblings, planned.proven
    return SplitRecord(
        sha256=split.sha256,
        train=len(split.rows("train")),
        validation=len(split.rows("validation")),
        test=len(split.rows("test")),
        test_with_siblings=siblings.test_images_with_siblings if siblings else None,
        test_groups=siblings.test_groups if siblings else None,
        test_groups_in_train=siblings.test_groups_in_train if siblings else None,
        test_of_unknown_source=siblings.test_images_of_unknown_source if siblings else 0,
        test_with_proven_siblings=proven.test_images_with_siblings if proven else None,
    )


def _precision(baseline: PlannedBaseline, compute: Compute) -> str:
    return compute.precision if baseline.backbone else "32"
