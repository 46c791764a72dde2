import re
from pathlib import Path

import pytest

from lcbench.errors import ExitCode, UserError
from lcbench.runs.suite import Recipe, choose, load_suite, shipped_suites

CORE = load_suite("core")
HEADER = """
name = "mine"
purpose = "to test"
reference = "one"
backbone = "resnet50"
protocols = ["paper"]
seeds = 2
"""
ONE = '[[baselines]]\nname = "one"\nkind = "majority"\npurpose = "the floor"\n'
MINE = HEADER + ONE


def suite_file(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path):
    with pytest.raises(UserError) as raised:
        load_suite(str(path))
    assert str(path) in raised.value.message
    return raised.value


# the suite that is shipped


def test_core_holds_the_baselines_of_the_plan():
    assert {recipe.name for recipe in CORE.baselines} == {
        "majority",
        "colour",
        "knn",
        "reference",
        "reference-finetuned",
        "hierarchical-cascade",
        "hierarchical-two-head",
        "densenet121",
        "efficientnet-b0",
        "convnext-tiny",
        "efficientnet-lite1",
    }
    assert CORE.reference == "reference"
    assert CORE.protocols == ("paper", "grouped")
    assert CORE.seeds == 3


def test_the_reference_is_the_paper_s_recipe():
    (reference,) = choose(CORE.baselines, only=["reference"])
    assert CORE.backbone == "resnet50"
    assert reference.options == {
        "backbone": "reference",
        "tuning": "frozen",
        "hierarchy": "flat",
        "hidden": 128,
        "epochs": 25,
        "batch_size": 25,
        "learning_rate": 1e-3,
        "patience": 5,
    }


def test_flat_and_hierarchical_arms_differ_in_nothing_but_the_hierarchy():
    arms = choose(CORE.baselines, only=["reference", "hierarchical-*"])
    assert len(arms) == 3
    rest = [{k: v for k, v in arm.options.items() if k != "hierarchy"} for arm in arms]
    assert rest[0] == rest[1] == rest[2]
    assert {arm.options["hierarchy"] for arm in arms} == {"flat", "cascade", "multi-head"}


def test_every_shipped_suite_loads_under_the_name_of_its_file_and_says_what_for():
    assert "core" in shipped_suites()
    for name in shipped_suites():
        suite = load_suite(name)
        assert suite.name == name
        assert all(len(recipe.purpose) > 20 for recipe in suite.baselines)


def test_the_reference_backbone_is_exchanged_where_a_recipe_names_it_and_nowhere_else():
    exchanged = {recipe.name: recipe.with_backbone("mobilenet") for recipe in CORE.baselines}
    assert exchanged["reference"].options["backbone"] == "mobilenet"
    assert exchanged["knn"].options["backbone"] == "mobilenet"
    assert exchanged["densenet121"].options["backbone"] == "densenet121"
    assert "backbone" not in exchanged["majority"].options
    assert exchanged["reference"].options["epochs"] == 25


# names


@pytest.mark.parametrize("name", ["coer", "cor", "Core"])
def test_a_mistyped_suite_is_answered_with_the_near_one(name):
    with pytest.raises(UserError) as raised:
        load_suite(name)
    assert "Did you mean core?" in raised.value.remedy
    assert raised.value.code == ExitCode.WRONG_USAGE


def names(**options):
    return [recipe.name for recipe in choose(CORE.baselines, **options)]


def test_patterns_choose_and_skip_in_the_order_of_the_suite():
    assert names() == [recipe.name for recipe in CORE.baselines]
    assert names(only=["hierarchical-*", "knn"]) == [
        "knn",
        "hierarchical-cascade",
        "hierarchical-two-head",
    ]
    assert names(only=["reference*"], skip=["*-finetuned"]) == ["reference"]
    assert names(only=["efficientnet-[b]?"]) == ["efficientnet-b0"]
    assert set(names(skip=["k*"])) == set(names()) - {"knn"}


@pytest.mark.parametrize("options", [{"only": ["knn", "refrence"]}, {"skip": ["refrence"]}])
def test_a_pattern_that_matches_nothing_is_answered_with_the_near_name(options):
    with pytest.raises(UserError) as raised:
        names(**options)
    assert "'refrence'" in raised.value.message
    assert "reference" in raised.value.remedy


def test_names_are_told_apart_by_case():
    with pytest.raises(UserError, match="'KNN'"):
        names(only=["KNN"])


def test_nothing_left_is_an_error_that_names_what_there_is():
    with pytest.raises(UserError) as raised:
        names(only=["k*"], skip=["knn"])
    assert "leave no baseline" in raised.value.message
    assert "hierarchical-cascade" in raised.value.remedy
    assert raised.value.code == ExitCode.WRONG_USAGE


# files


def test_a_suite_of_one_s_own_is_read_from_its_file(tmp_path):
    suite = load_suite(str(suite_file(tmp_path, MINE + 'weights = "mine"\nlayers = [1, 2]\n')))
    assert (suite.name, suite.seeds, suite.protocols) == ("mine", 2, ("paper",))
    assert suite.baselines[0].kind == "majority"
    assert suite.baselines[0].options == {"weights": "mine", "layers": [1, 2]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINE + ONE, "baselines named twice: one"),
        (MINE.replace('reference = "one"', 'reference = "two"'), "'two' is not one of"),
        (MINE + ONE.replace('"one"', '"splits"'), "reserved names: splits"),
        (MINE + ONE.replace('"one"', '"external"'), "reserved names: external"),
        (MINE.replace('["paper"]', '["splits"]'), "reserved names: splits"),
        (MINE.replace("seeds", "sedes"), "sedes: Extra inputs"),
        (MINE.replace("seeds", "sedes"), "seeds: Field required"),
        (MINE.replace("seeds = 2", "seeds = 0"), "seeds"),
        (MINE.replace("seeds = 2", "seeds = 1.5"), "seeds"),
        (MINE.replace('["paper"]', "[]"), "protocols"),
        (MINE.replace('kind = "majority"', ""), "baselines.0.kind: Field required"),
        (MINE.replace('purpose = "the floor"', ""), "baselines.0.purpose: Field required"),
        (HEADER, "baselines: Field required"),
        ("baselines = []" + HEADER, "baselines"),
        ("", "name: Field required"),
        ("[[baselines]\n", "not a readable suite"),
    ],
)
def test_a_file_that_is_no_suite_is_refused_by_name_and_reason(tmp_path, text, words):
    error = refused(suite_file(tmp_path, text))
    assert words in error.message
    assert "pydantic" not in str(error)


@pytest.mark.parametrize(
    "name", ["", "..", "../up", "a/b", "a b", ".hidden", "-flag", "a\\nb", "a\\u0000", "ä", "a\\n"]
)
def test_a_name_that_could_leave_its_folder_is_refused(tmp_path, name):
    text = MINE + ONE.replace('"one"', f'"{name}"')
    assert "baselines.1.name" in refused(suite_file(tmp_path, text)).message
    text = MINE.replace('name = "mine"', f'name = "{name}"')
    assert re.search(r"toml: name: ", refused(suite_file(tmp_path, text)).message)


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path):
    refused(tmp_path / "absent.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"name = '\xff'")
    refused(binary)
    (tmp_path / "folder.toml").mkdir()
    refused(tmp_path / "folder.toml")


def test_a_recipe_cannot_be_changed_in_passing():
    recipe = Recipe(name="a", kind="majority", purpose="p")
    with pytest.raises(ValueError, match="frozen"):
        recipe.kind = "other"
    recipe.options["new"] = 1
    assert recipe.options == {}


def test_the_shipped_suites_are_those_of_the_checkout():
    folder = Path(__file__).resolve().parents[2] / "baselines"
    assert set(shipped_suites()) == {path.stem for path in folder.glob("*.toml")}
