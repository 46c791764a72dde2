"""Which stored runs may stand beside those that are planned now: nothing is mixed or replaced."""

from __future__ import annotations

from pathlib import Path

from lcbench.errors import UserError
from lcbench.runs.job import Job
from lcbench.runs.plan import Plan, takes_reference_backbone
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.records import RunConfig, TaxonomyRecord
from lcbench.runs.stored import StoredRuns
from lcbench.runs.suite import Recipe


def require_same_data(folder: Path, before: PlanRecord | None, plan: Plan) -> None:
    """Refuse to put results on other images, or for another class tree, into a suite's folder.

    Raises
    ------
    UserError
        It names the folder, and what is there already.
    """
    if before is None:
        return
    if before.dataset.sha256 != plan.dataset.sha256:
        images = f"{before.dataset.name}, {before.dataset.images:,} images"
        drawn = before.dataset.drawn
        asked = f" that --images {drawn.asked} drew" if drawn else ""
        raise _other_data(folder, f"on other images ({images}{asked})")
    if before.taxonomy.structure != TaxonomyRecord.of(plan.taxonomy).structure:
        raise _other_data(folder, f"for another class tree ({before.taxonomy.name})")


def _other_data(folder: Path, what: str) -> UserError:
    return UserError(
        f"{folder} holds results {what}", "Choose another folder with --out, or remove that one."
    )


def require_no_mixture(stored: StoredRuns, plan: Plan, every: list[Job], *, fresh: bool) -> None:
    """Refuse to replace finished runs unasked, or to leave them beside others of another making.

    The report pools the runs of a baseline in one row, pairs all baselines by their source groups,
    and compares arms that share the reference backbone. It leaves out what the suite has no
    longer, so that this may be of any making.

    Raises
    ------
    UserError
        It names the first such run.
    """
    planned = {job.folder for job in every}
    configs = {job.baseline.name: job.config for job in every}
    divided = {(job.split.protocol, job.split.name): job.split.sha256 for job in every}
    recipes = {recipe.name: recipe for recipe in plan.suite.baselines}
    references = {
        _weights(job.config)
        for job in every
        if _shares_reference(recipes[job.baseline.name], job.config)
    }
    for path, run in stored.sound.items():
        done_again = path in planned
        config = run.config
        if not run.done or (done_again and fresh) or config.baseline not in recipes:
            continue
        other = _other_making(config, configs.get(config.baseline, config), every[0].config)
        if other:
            raise _mixture(path, other)
        if done_again:
            continue
        split = config.split.sha256
        if divided.get((config.protocol, path.name), split) != split:
            raise _mixture(path, "another division of the images")
        shares = _shares_reference(recipes[config.baseline], config)
        if shares and references - {_weights(config)}:
            raise _mixture(path, "another reference backbone")


def _shares_reference(recipe: Recipe, config: RunConfig) -> bool:
    """Tell whether a run looks through the backbone that all arms of a suite share."""
    backbone = config.backbone
    return backbone is not None and backbone.outputs is None and takes_reference_backbone(recipe)


def belongs_beside(stored: RunConfig, wanted: RunConfig) -> bool:
    """Tell whether a stored run of a baseline may stay among those that are made now."""
    return not _other_making(stored, wanted, wanted) and stored.split.sha256 == wanted.split.sha256


def _other_making(config: RunConfig, baseline: RunConfig, of_all: RunConfig) -> str:
    """Return in what a run differs from its baseline's runs now, or from all of them."""
    if config.dataset.sha256 != of_all.dataset.sha256:
        return "other images"
    if config.taxonomy.structure != of_all.taxonomy.structure:
        return "another class tree"
    if _prepared_otherwise(config, baseline):
        seen = config.backbone.preprocessing if config.backbone else ""
        return f"another size or preparation of images ({seen}; --image-size sets the size)"
    if _origin(config) != _origin(baseline):
        return "another recipe, other code or other weights"
    if not config.dataset.same_groups(of_all.dataset):
        return "other source groups"
    return ""


def _origin(config: RunConfig) -> object:
    """Return what runs of one baseline must share."""
    return config.kind, config.recipe, config.code_sha256, _weights(config)


def _prepared_otherwise(config: RunConfig, baseline: RunConfig) -> bool:
    """Tell whether the same weights saw images of another size, or cut or scaled otherwise."""
    stored, wanted = config.backbone, baseline.backbone
    if stored is None or wanted is None or stored.weights_sha256 != wanted.weights_sha256:
        return False
    return stored.preprocessing != wanted.preprocessing


def _weights(config: RunConfig) -> object:
    """Return what a run saw images through; where its weights were found does not matter."""
    backbone = config.backbone
    return backbone and (backbone.name, backbone.weights_sha256, backbone.preprocessing)


def _mixture(path: Path, made_with: str) -> UserError:
    return UserError(
        f"{path}: made with {made_with} than planned now",
        "Choose another folder with --out, remove that one, or plan the same seeds, protocols and "
        "baselines as before with --fresh, so that it is done again.",
    )
