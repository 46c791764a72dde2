"""Finished runs predict again: with their own kinds, options, weights and models."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from lcbench.compute import Compute
from lcbench.documents import explain
from lcbench.errors import UserError, first_line, from_lack_of_memory
from lcbench.features.embedding_tables import is_embedding_file
from lcbench.features.encoder import Encoder
from lcbench.features.extraction import Features
from lcbench.features.samples import Samples
from lcbench.models.backbones import Backbone, fetch_backbone, resolve_backbone
from lcbench.models.baseline import Baseline, Context, Settings, State, find_kind
from lcbench.models.weights import WeightOptions, how_to_get
from lcbench.runs.job import require_distributions, seed_of_run
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.records import BackboneRecord
from lcbench.runs.stored import MODEL, StoredRun
from lcbench.taxonomy import Taxonomy

_MEND = "Mend the kind, then give lcbench evaluate the folder again."
_FRESH = "lcbench run --fresh, with the same command as before, does it again."


def weights_option(
    runs: Sequence[StoredRun], plan: PlanRecord, weights: str | None, *, offline: bool
) -> WeightOptions:
    """Return `--weights` for the backbone that it can be for: the one that `lcbench run` takes."""
    every = [
        (run.config.baseline, run.config.backbone)
        for run in runs
        if run.config.backbone and not is_embedding_file(run.config.backbone.name)
    ]
    used = [one for one in every if one[1].outputs is None]  # a recipe names a classifier's own
    likely = [
        *(backbone for _, backbone in used if backbone.weights.startswith("file ")),
        *(backbone for baseline, backbone in used if baseline == plan.reference),
        *(backbone for _, backbone in (*used, *every)),
    ]
    if not likely:
        return WeightOptions(weights, "", offline)
    own_head = likely[0].outputs is not None
    return WeightOptions(weights, likely[0].name, offline, own_head=own_head)


def without_kind(runs: Sequence[StoredRun]) -> dict[str, str]:
    """Return the baselines whose kind cannot be found here, or takes other options, and why."""
    reasons: dict[str, str] = {}
    for run in runs:
        try:
            kind_and_settings(run)
        except BaseException as error:  # noqa: BLE001 - a user's own module may raise anything
            reasons[run.config.baseline] = reason_of(error)
    return reasons


def reason_of(error: BaseException) -> str:
    """Return why a baseline predicts nothing: a user's error in words, others with the traceback.

    An interrupt is none of its errors, and is raised.
    """
    if isinstance(error, KeyboardInterrupt):
        raise error
    if isinstance(error, UserError):
        return str(error)
    known = from_lack_of_memory(error)
    return str(known) if known else "".join(traceback.format_exception(error))


def kind_and_settings(run: StoredRun) -> tuple[type[Baseline], Settings]:
    """Return the class of a run and its checked options.

    Raises
    ------
    UserError
        If the class cannot be found, or takes other options now.
    """
    kind = find_kind(run.config.kind)
    try:
        return kind, kind.settings_type.model_validate(run.config.recipe)
    except ValidationError as error:
        raise UserError(f"kind {run.config.kind}: {explain(error)}", _FRESH) from error


def backbones_of(
    runs: Sequence[StoredRun], options: WeightOptions
) -> tuple[dict[str, Backbone], dict[str, str]]:
    """Find the weights that the runs were trained with; return reasons for those that cannot be.

    Files of embeddings are none: see `lcbench.runs.stored_embeddings`.
    """
    backbones: dict[str, Backbone] = {}
    left_out: dict[str, str] = {}
    for run in runs:
        wanted = run.config.backbone
        if wanted is None or is_embedding_file(wanted.name) or run.config.baseline in left_out:
            continue
        try:
            key = kind_and_settings(run)[1].encoder_key or wanted.name
            backbone = backbones.get(key) or _backbone(wanted, options)
            facts = backbone.facts
        except UserError as error:
            left_out[run.config.baseline] = error.message
            continue
        except BaseException as error:  # noqa: BLE001 - a user's own function may raise anything
            left_out[run.config.baseline] = reason_of(error)
            continue
        if str(backbone.preprocessing) != wanted.preprocessing:
            left_out[run.config.baseline] = (
                f"images would go through other steps ({backbone.preprocessing}) than those that "
                f"the run was trained with ({wanted.preprocessing})"
            )
        elif facts.weights_sha256 == wanted.weights_sha256:
            backbones[key] = backbone
        else:
            left_out[run.config.baseline] = (
                f"{backbone.source} are other weights of {wanted.name} than the run was trained "
                f"with ({wanted.weights})"
            )
    return backbones, left_out


def _backbone(wanted: BackboneRecord, options: WeightOptions) -> Backbone:
    own_head = wanted.outputs is not None
    meant = (wanted.name, own_head) == (options.backbone, options.own_head)
    asked = options.weights if meant else None
    if asked is None and wanted.random:
        asked = "random"
    if asked is None and wanted.weights.startswith("file "):
        asked = wanted.weights.removeprefix("file ")
    weights = WeightOptions(asked, wanted.name, options.offline, wanted.image_size)
    backbone = resolve_backbone(wanted.name, weights, wanted.outputs)
    if backbone is None:
        raise UserError(f"no weights of {wanted.name} here; {how_to_get(wanted.name)}")
    return fetch_backbone(backbone)


def predict(run: StoredRun, features: Features, taxonomy: Taxonomy) -> NDArray[np.floating]:
    """Return the (images, leaves) probabilities that a run's stored model gives for all images.

    Raises
    ------
    UserError
        If the model cannot be read, is of another kind, or predicts what are no probabilities.
    """
    baseline = restored(run, features.backbones, features.compute, taxonomy)
    images = np.arange(len(features.dataset.manifest))
    try:
        probabilities = baseline.predict(Samples(features, images))
        require_distributions(run.config.kind, probabilities, (len(images), len(taxonomy.leaves)))
    except UserError as error:
        # What was trained can be sound where a user's own code does not know new images.
        raise _of_model(run, error, _MEND if ":" in run.config.kind else _FRESH) from error
    return probabilities


def restored(
    run: StoredRun, backbones: Mapping[str, Encoder], compute: Compute, taxonomy: Taxonomy
) -> Baseline:
    """Return the fitted model of a run.

    Parameters
    ----------
    run
        The run.
    backbones
        By the `encoder_key` of a recipe's settings, as `backbones_of` finds them.
    compute
        Device and precision.
    taxonomy
        The class tree.

    Raises
    ------
    UserError
        If the model cannot be read, or is of another kind.
    """
    config = run.config
    kind, settings = kind_and_settings(run)
    backbone = backbones[settings.encoder_key or ""] if config.backbone else None
    seed = seed_of_run(config.seed, config.fold)
    baseline = kind(settings, Context(taxonomy, compute, seed, backbone))
    try:
        baseline.restore(_stored_model(run.folder / MODEL))
    except UserError as error:
        raise _of_model(run, error) from error
    return baseline


def _of_model(run: StoredRun, error: UserError, remedy: str = _FRESH) -> UserError:
    return UserError(f"{run.folder / MODEL}: {error.message}", error.remedy or remedy)


def _stored_model(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not path.is_file():
        raise UserError("no such file", _FRESH)
    try:
        return load_file(path)
    except (SafetensorError, KeyError, MemoryError) as error:  # KeyError: numbers NumPy lacks
        raise UserError(f"not a readable model: {first_line(error)}", _FRESH) from error
