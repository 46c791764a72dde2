"""The plan: what will run, what is left out and why, and what cannot be asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from lcbench.compute import Compute
from lcbench.errors import ExitCode, UserError
from lcbench.models.network import NetworkSettings
from lcbench.models.weights import HubError
from lcbench.runs.describe import describe_plan
from lcbench.runs.mixture import require_same_data
from lcbench.runs.plan import Plan, RunOptions, make_plan, plan_baselines
from lcbench.runs.suite import load_suite

MAJORITY = {"name": "majority", "kind": "majority"}
KNN = {"name": "knn", "kind": "neighbours", "backbone": "reference"}
REFERENCE = {"name": "reference", "kind": "network"}
RESNET = {"name": "resnet", "kind": "network", "backbone": "resnet50"}
WHOLE = {"name": "whole", "kind": "network", "tuning": "full"}
GPU = Compute("cuda", "bf16", 256)

MakePlan = Callable[..., Plan]
Options = Callable[..., RunOptions]


@pytest.mark.usefixtures("empty_hub")
def test_offline_a_backbone_without_weights_is_left_out_with_the_remedy(plan_of: MakePlan) -> None:
    plan = plan_of(REFERENCE, RESNET, MAJORITY)
    assert [baseline.name for baseline in plan.baselines] == ["reference", "majority"]
    (left_out,) = plan.left_out
    assert left_out.baseline == "resnet"
    assert "no weights of resnet50" in left_out.reason
    assert "--offline" in left_out.reason


def test_a_whole_network_is_left_out_without_an_accelerator_unless_forced(
    plan_of: MakePlan, write_suite: Callable[..., str], options: Options
) -> None:
    plan = plan_of(REFERENCE, WHOLE)
    (left_out,) = plan.left_out
    assert left_out.baseline == "whole"
    assert "accelerator" in left_out.reason
    assert "--force" in left_out.reason
    asked = options(write_suite(REFERENCE, WHOLE))
    for planned, gone in (
        plan_baselines(load_suite(asked.suite), options(asked.suite, force=True), plan.compute),
        plan_baselines(load_suite(asked.suite), asked, GPU),
    ):
        assert [baseline.name for baseline in planned] == ["reference", "whole"]
        assert gone == ()


def test_layers_of_a_backbone_are_trained_without_an_accelerator_only_if_forced(
    plan_of: MakePlan,
) -> None:
    partly = {**WHOLE, "name": "partly", "tuning": "partial", "last_layers": 2}
    (left_out,) = plan_of(REFERENCE, partly).left_out
    assert left_out.reason == (
        "trains layers of its backbone: needs an accelerator, or --force on a CPU"
    )
    assert not plan_of(REFERENCE, partly, force=True).left_out


def test_fewer_images_are_drawn_in_whole_groups_for_every_split_and_the_check_by_pixels(
    plan_of: MakePlan,
) -> None:
    """The plan says so, and is one of other images."""
    every, fewer = plan_of(REFERENCE, seeds=2), plan_of(REFERENCE, seeds=2, images=30)
    assert 30 <= len(fewer.dataset.manifest) < 40
    assert fewer.dataset.sha256 != every.dataset.sha256
    left = set(fewer.dataset.manifest["group"])
    of_all = every.dataset.manifest
    assert of_all["group"].isin(left).sum() == len(fewer.dataset.manifest)
    assert fewer.pixel_check is not None
    assert len(fewer.pixel_check.by_pixels.manifest) == len(fewer.dataset.manifest)
    for planned in fewer.splits:
        assert sum(len(planned.split.rows(side)) for side in ("train", "validation", "test")) == (
            len(fewer.dataset.manifest)
        )
    record = describe_plan(fewer, ()).dataset
    assert record.drawn is not None
    assert (record.drawn.asked, record.drawn.images) == (30, len(of_all))
    assert describe_plan(every, ()).dataset.drawn is None


def test_a_folder_of_other_images_says_how_many_and_which_option_drew_them(
    plan_of: MakePlan,
) -> None:
    every, fewer = plan_of(REFERENCE), plan_of(REFERENCE, images=30)
    count = f"{len(every.dataset.manifest)} images"
    with pytest.raises(UserError, match=rf"holds results on other images \(.*, {count}\)"):
        require_same_data(Path("tiny"), describe_plan(every, ()), fewer)
    with pytest.raises(UserError, match=r"images that --images 30 drew\)"):
        require_same_data(Path("tiny"), describe_plan(fewer, ()), every)


def test_fewer_epochs_hold_for_every_recipe_that_has_epochs(plan_of: MakePlan) -> None:
    plan = plan_of(REFERENCE, MAJORITY, {**WHOLE, "epochs": 7}, epochs=3, force=True)
    recorded = {one.name: one.settings.recorded for one in plan.baselines}
    assert {name: options.get("epochs") for name, options in recorded.items()} == {
        "reference": 3, "majority": None, "whole": 3,
    }  # fmt: skip


@pytest.mark.usefixtures("empty_hub")
def test_without_weights_of_the_reference_nothing_is_planned(plan_of: MakePlan) -> None:
    with pytest.raises(UserError, match=r"the reference baseline cannot run.*resnet50") as caught:
        plan_of(REFERENCE, MAJORITY, backbone="resnet50", weights=None)
    assert "list backbones" in caught.value.remedy


def test_a_reference_that_needs_an_accelerator_is_an_error_without_one(plan_of: MakePlan) -> None:
    with pytest.raises(UserError, match=r"the reference baseline cannot run.*accelerator"):
        plan_of(WHOLE, MAJORITY)


@pytest.mark.usefixtures("empty_hub")
def test_when_nothing_is_left_the_reasons_are_given(plan_of: MakePlan) -> None:
    with pytest.raises(UserError, match="no baseline can run: resnet: no weights of resnet50"):
        plan_of(REFERENCE, RESNET, only=("resnet",))


@pytest.mark.parametrize(
    ("change", "what", "near"),
    [
        ({"suite": "cor"}, "unknown suite: 'cor'", "core"),
        ({"only": ("referenc",)}, "unknown baseline: 'referenc'", "reference"),
        ({"skip": ("majorty",)}, "unknown baseline: 'majorty'", "majority"),
        ({"backbone": "resnet5O"}, "unknown backbone: 'resnet5O'", "resnet50"),
        ({"protocols": ("group",)}, "unknown protocol: 'group'", "grouped"),
    ],
)
def test_a_name_that_is_not_known_is_an_error_with_near_names_before_images_are_read(
    change: dict[str, object], what: str, near: str, write_suite: Callable[..., str],
    options: Options,
) -> None:  # fmt: skip
    suite = write_suite(REFERENCE, MAJORITY)
    with pytest.raises(UserError, match=what) as caught:
        make_plan(options(**{"suite": suite, "data": "/no/such/folder", **change}))
    assert near in caught.value.remedy
    assert caught.value.code == ExitCode.WRONG_USAGE


@pytest.mark.parametrize(
    ("claims", "message"),
    [("nope", "'nope'"), ("gone.toml", r"gone\.toml: no such file"), ("bad.toml", r"bad\.toml")],
)
def test_claims_that_the_report_could_not_read_are_an_error_before_images_are_read(
    claims: str, message: str, write_suite: Callable[..., str], options: Options,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text('source = "no more than that"\n')
    suite = write_suite(MAJORITY, claims=[claims])
    with pytest.raises(UserError, match=message):
        make_plan(options(suite, data="/no/such/folder"))


@pytest.mark.parametrize("seeds", [0, -1])
def test_without_seeds_there_is_nothing_to_run(seeds: int, plan_of: MakePlan) -> None:
    with pytest.raises(UserError, match="not between 1 and 100"):
        plan_of(MAJORITY, seeds=seeds)


def test_protocols_and_seeds_are_the_suites_unless_asked_for(
    write_suite: Callable[..., str], options: Options
) -> None:
    suite = write_suite(MAJORITY, protocols=["paper", "grouped"], seeds=2)
    plan = make_plan(options(suite))
    found = [(one.split.protocol, one.split.seed, one.split.fold) for one in plan.splits]
    assert found == [
        *(("paper", seed, 0) for seed in range(2)),
        *(("grouped", seed, fold) for seed in range(2) for fold in range(5)),
    ]
    one = make_plan(options(suite, protocols=("grouped",), seeds=1))
    assert [(s.split.protocol, s.split.fold) for s in one.splits] == [
        ("grouped", fold) for fold in range(5)
    ]
    assert [str(run[1].split.fold) for run in one.runs()] == list("01234")


def test_the_reference_backbone_is_exchanged_wherever_the_suite_says_reference() -> None:
    options = RunOptions("core", "demo", backbone="test_resnet", weights="random", force=True)
    planned, left_out = plan_baselines(load_suite("core"), options, Compute("cpu", "32", 8))
    assert not left_out
    backbones = {one.name: one.backbone.name if one.backbone else None for one in planned}
    exchanged = {name for name, backbone in backbones.items() if backbone == "test_resnet"}
    assert exchanged == {
        "knn", "reference", "reference-finetuned", "hierarchical-cascade", "hierarchical-two-head",
    }  # fmt: skip
    assert backbones["densenet121"] == "densenet121"
    assert backbones["majority"] is backbones["colour"] is None
    random = {one.name for one in planned if one.backbone and one.backbone.random}
    assert random == exchanged  # --weights random is for the reference backbone alone


def test_arms_of_core_that_are_compared_share_their_recipe_but_for_what_is_compared() -> None:
    """Flat and hierarchical arms get the same backbone, epochs and optimiser (domain rule 6)."""
    options = RunOptions("core", "demo", backbone="test_resnet", weights="random", force=True)
    planned, _ = plan_baselines(load_suite("core"), options, Compute("cpu", "32", 8))
    settings = {one.name: one.settings.model_dump() for one in planned}
    reference = settings["reference"]
    paper = {"hidden": 128, "epochs": 25, "batch_size": 25, "learning_rate": 1e-3}
    assert paper.items() <= reference.items()
    for name in ("hierarchical-cascade", "hierarchical-two-head"):
        assert {**settings[name], "hierarchy": "flat"} == reference
    for name in ("densenet121", "efficientnet-b0", "convnext-tiny", "efficientnet-lite1"):
        assert {**settings[name], "backbone": "test_resnet"} == reference


def test_a_kinds_own_default_backbone_is_the_reference_too(plan_of: MakePlan) -> None:
    (reference,) = plan_of(REFERENCE).baselines
    assert isinstance(reference.settings, NetworkSettings)
    assert reference.settings.backbone == "test_resnet"
    assert reference.recipe.options["backbone"] == "test_resnet"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"epoch": 3}, "epoch"), ({"epochs": "many"}, "epochs"), ({"hidden": 0}, "hidden")],
)
def test_a_recipe_that_its_kind_does_not_understand_is_an_error_that_names_both(
    wrong: dict[str, object], said: str, plan_of: MakePlan
) -> None:
    with pytest.raises(UserError, match=f"baseline odd: {said}") as caught:
        plan_of(REFERENCE, {**REFERENCE, "name": "odd", **wrong})
    assert "learning_rate" in caught.value.remedy


def test_siblings_are_counted_for_each_split(plan_of: MakePlan) -> None:
    plan = plan_of(MAJORITY, protocols=("paper", "grouped"))
    groups = plan.dataset.manifest["group"]
    for planned in plan.splits:
        train, test = (groups.iloc[planned.split.rows(side)] for side in ("train", "test"))
        assert planned.siblings is not None
        assert planned.siblings.test_images == len(test)
        assert planned.siblings.test_images_with_siblings == sum(test.isin(set(train)))
    with_siblings = {
        one.split.protocol: one.siblings.test_images_with_siblings
        for one in plan.splits
        if one.siblings
    }
    assert with_siblings["paper"] > 0 == with_siblings["grouped"]


def test_groups_that_are_not_given_are_found_from_pixels(
    plan_of: MakePlan, small_demo: Path
) -> None:
    plan = plan_of(MAJORITY, groups=None, protocols=("paper", "grouped"))
    assert plan.dataset.groups_source.startswith("pixels (")
    truth = pd.read_csv(small_demo / "groups.csv").set_index("image")["group"]
    found = plan.dataset.manifest.set_index("image")["group"]
    pairs = pd.DataFrame({"truth": truth, "found": found}).drop_duplicates()
    assert len(pairs) == pairs["truth"].nunique() == pairs["found"].nunique()
    shared = {
        p.split.protocol: p.siblings.test_images_with_siblings for p in plan.splits if p.siblings
    }
    assert shared["paper"] > 0
    assert shared["grouped"] == 0


def test_other_class_trees_and_label_maps_reach_the_dataset(
    plan_of: MakePlan, tmp_path: Path, write_images: Callable[..., None]
) -> None:
    (tmp_path / "tree.toml").write_text(
        'name = "fruit"\n[nodes.apple]\nparent = "root"\n[nodes.pear]\nparent = "root"\n'
    )
    (tmp_path / "map.toml").write_text('[labels]\n"mystery" = "pear"\n')
    write_images(tmp_path / "fruit", {"apple": 12, "mystery": 9})
    plan = plan_of(
        MAJORITY, data=str(tmp_path / "fruit"), groups=None, taxonomy=tmp_path / "tree.toml",
        labels=tmp_path / "map.toml",
    )  # fmt: skip
    assert plan.taxonomy.leaves == ("apple", "pear")
    counts = pd.Series(plan.dataset.manifest["label"]).value_counts().to_dict()
    assert counts == {"apple": 12, "pear": 9}


def test_encoders_that_the_hub_does_not_give_are_left_out_and_stop_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(repository: str, *_: str) -> Path:
        raise HubError(f"{repository} could not be downloaded: no connection")

    monkeypatch.setattr("lcbench.models.building.download_file", refuse)
    monkeypatch.setattr("lcbench.models.building.cached_file", lambda *_: None)
    options = RunOptions("backbones", "demo", backbone="test_resnet", weights="random")
    planned, left_out = plan_baselines(load_suite("backbones"), options, Compute("cpu", "32", 8))
    names = {one.name for one in planned}
    assert {"reference", "reference-probe", "resnet101", "swin-tiny-probe"} <= names
    gone = {one.baseline: one.reason for one in left_out}
    assert {name.removesuffix("-probe") for name in gone} == {
        "lunit-vit-small", "lunit-resnet50", "kaiko-vit-base",
    }  # fmt: skip
    assert all("no connection" in reason for reason in gone.values())
    wanted = replace(options, backbone="hf-hub:lab/encoder", weights=None)
    with pytest.raises(HubError, match="lab/encoder"):
        plan_baselines(load_suite("backbones"), wanted, Compute("cpu", "32", 8))


def test_a_question_about_confusions_that_the_tree_does_not_know_is_an_error_before_images_are_read(
    tmp_path: Path, options: Options
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\npurpose = "x"\nreference = "majority"\nbackbone = "resnet50"\n'
        'protocols = ["paper"]\nseeds = 1\n'
        '[hypothesis]\ntext = "Is it so?"\nreduction = 0.5\nof = "benign"\n'
        '[[baselines]]\nname = "majority"\nkind = "majority"\npurpose = "x"\n'
    )
    with pytest.raises(UserError, match="of = 'benign' is no node of class tree") as raised:
        make_plan(options(str(path), data="no such folder"))
    assert "malignant" in raised.value.remedy
