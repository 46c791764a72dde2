"""From what is about to run to the records that are stored with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lcbench.compute import Compute
from lcbench.datasets.canonical.groups import CanonicalGroups
from lcbench.datasets.dataset import Dataset, Drawn
from lcbench.features.embedding_files import EmbeddingFile
from lcbench.leakage.pixel_groups import PixelCheck
from lcbench.models.backbones import Backbone, Reading
from lcbench.models.own_code import own_code_sha256
from lcbench.provenance import command, commit, machine, now, versions
from lcbench.runs.plan import Plan, PlannedBaseline, PlannedSplit
from lcbench.runs.plan_records import Invocation, LeftOut, PlanRecord
from lcbench.runs.power import detectable_differences
from lcbench.runs.records import (
    BackboneRecord,
    CanonicalRecord,
    CheckpointRecord,
    DatasetRecord,
    DrawnRecord,
    RunConfig,
    SplitRecord,
    TaxonomyRecord,
)
from lcbench.runs.suite import in_order


def describe_plan(
    plan: Plan, left_out: tuple[LeftOut, ...], before: PlanRecord | None = None
) -> PlanRecord:
    """Return the record of a suite's folder: this plan and all that was run there before."""
    this = Invocation(
        command=command(),
        created=now(),
        protocols=plan.protocols,
        seeds=plan.seeds,
        baselines=tuple(baseline.name for baseline in plan.baselines),
        left_out=left_out,
        data=plan.options.data if plan.options else "",
        groups=str((plan.options and plan.options.groups) or ""),
        labels=dict(plan.labels),
        tile=plan.options.tile if plan.options else None,
        suite_protocols=plan.suite.protocols,
        suite_baselines=tuple(recipe.name for recipe in plan.suite.baselines),
    )
    invocations = (*before.invocations, this) if before else (this,)
    baselines = in_order(
        {name for one in invocations for name in one.baselines}, this.suite_baselines
    )
    protocols = {name for one in invocations for name in one.protocols}
    never_run = {
        entry.baseline: entry
        for one in invocations
        for entry in one.left_out
        if entry.baseline not in baselines
    }
    record = PlanRecord(
        suite=plan.suite.name,
        command=this.command,
        created=invocations[0].created,
        protocols=in_order(protocols, plan.suite.protocols),
        seeds=max(one.seeds for one in invocations),
        baselines=baselines,
        left_out=tuple(never_run.values()),
        invocations=invocations,
        reference=plan.suite.reference,
        roles=plan.suite.roles,
        dataset=_with_words(plan, before),
        taxonomy=TaxonomyRecord.of(plan.taxonomy),
        aliases=plan.taxonomy.aliases,
        machine=machine(),
        root=str(plan.dataset.root.resolve()),
        ensembles=plan.suite.ensembles,
    )
    return _without_retired(record)


def _without_retired(plan: PlanRecord) -> PlanRecord:
    """Leave out what the suite has no longer; the invocations still tell of it."""
    return plan.model_copy(
        update={
            "protocols": tuple(filter(plan.has_protocol, plan.protocols)),
            "baselines": tuple(filter(plan.has_baseline, plan.baselines)),
            "left_out": tuple(one for one in plan.left_out if plan.has_baseline(one.baseline)),
        }
    )


def _with_words(plan: Plan, before: PlanRecord | None) -> DatasetRecord:
    """Return the record of the images; what was said about them once holds until said anew."""
    about = plan.about or (before.dataset.about if before else "")
    record = describe_dataset(plan.dataset, plan.pixel_check)
    return record.model_copy(update={"about": about})


def describe_runs(plan: Plan) -> Iterator[tuple[PlannedBaseline, PlannedSplit, RunConfig]]:
    """Yield every run with its record; what runs share is found out once."""
    shared: dict[str, Any] = {
        "suite": plan.suite.name,
        "taxonomy": TaxonomyRecord.of(plan.taxonomy),
        "dataset": describe_dataset(plan.dataset, plan.pixel_check),
        "device": plan.compute.device,
        "versions": versions(),
        "commit": commit(),
    }
    of_split = {planned.path: _describe_split(planned) for planned in plan.splits}
    of_baseline = {one.name: _describe_baseline(one, plan.compute) for one in plan.baselines}
    for baseline, planned in plan.runs():
        split = planned.split
        config = RunConfig(
            **shared,
            **of_baseline[baseline.name],
            protocol=split.protocol,
            seed=split.seed,
            fold=split.fold,
            split=of_split[planned.path],
        )
        yield baseline, planned, config


def _describe_baseline(baseline: PlannedBaseline, compute: Compute) -> dict[str, Any]:
    return {
        "baseline": baseline.name,
        "purpose": baseline.recipe.purpose,
        "kind": baseline.recipe.kind,
        "code_sha256": own_code_sha256(baseline.recipe.kind, baseline.settings.backbone or ""),
        "recipe": baseline.settings.recorded,
        "backbone": describe_backbone(baseline.backbone) if baseline.backbone else None,
        "precision": compute.precision if isinstance(baseline.backbone, Backbone) else "32",
    }


def plan_as_json(plan: Plan, left_out: tuple[LeftOut, ...]) -> dict[str, Any]:
    """Return the plan for machines; `left_out`: what will not be run, and why."""
    return {
        **describe_plan(plan, left_out).model_dump(mode="json", exclude={"aliases"}),
        "runs": len(plan.baselines) * len(plan.splits),
        "weights": {b.name: str(b.backbone.source) for b in plan.baselines if b.backbone},
        "preprocessing": {
            b.name: _preprocessing_words(b.backbone) for b in plan.baselines if b.backbone
        },
        "splits": [
            {
                "protocol": planned.split.protocol,
                "name": planned.split.name,
                "sha256": planned.split.sha256,
                "siblings": str(planned.siblings) if planned.siblings else None,
                "proven_siblings": str(planned.proven) if planned.proven else None,
            }
            for planned in plan.splits
        ],
        "detectable_differences": [vars(one) for one in detectable_differences(plan)],
    }


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
        groups_sha256=dataset.groups_sha256,
        pixel_check="" if check is None else str(check),
        drawn=_describe_drawn(dataset.drawn) if dataset.drawn else None,
        tiling=dataset.tiling,
        canonical=_describe_canonical(dataset.canonical) if dataset.canonical else None,
        decoding=dataset.decoding,
    )


def _describe_canonical(groups: CanonicalGroups) -> CanonicalRecord:
    return CanonicalRecord(
        name=groups.name, version=groups.version, sha256=groups.sha256, of=len(groups.table)
    )


def _describe_drawn(drawn: Drawn) -> DrawnRecord:
    return DrawnRecord(
        asked=drawn.asked,
        images=drawn.images,
        source_groups=drawn.source_groups,
        words=str(drawn),
    )


def describe_backbone(backbone: Backbone | EmbeddingFile) -> BackboneRecord:
    """Return the record of a backbone, which is loaded to find out, or of a file in its place."""
    facts = backbone.facts
    if isinstance(backbone, EmbeddingFile):
        return BackboneRecord(
            name=backbone.name,
            weights=backbone.source,
            weights_sha256=facts.weights_sha256,
            random=False,
            preprocessing=_preprocessing_words(backbone),
            parameters=facts.parameters,
            gmacs=facts.gmacs,
        )
    return BackboneRecord(
        name=backbone.name,
        weights=str(backbone.source),
        weights_sha256=facts.weights_sha256,
        random=backbone.random,
        preprocessing=_preprocessing_words(backbone),
        parameters=facts.parameters,
        gmacs=facts.gmacs,
        image_size=backbone.preprocessing.size,
        outputs=None if backbone.outputs is None else facts.features,
        checkpoint=_describe_reading(backbone.reading),
    )


def _preprocessing_words(backbone: Backbone | EmbeddingFile) -> str:
    if isinstance(backbone, EmbeddingFile):
        return "not known: embeddings from a file"
    return str(backbone.preprocessing)


def _describe_reading(reading: Reading | None) -> CheckpointRecord | None:
    if reading is None:
        return None
    return CheckpointRecord(
        under=reading.checkpoint.under,
        beside=reading.checkpoint.beside,
        prefix=reading.match.prefix,
        renamed=reading.match.renamed,
        resampled=reading.match.resampled,
        left_out=reading.match.left_out,
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
