import re

import pytest

from lcbench.errors import ExitCode, UserError
from lcbench.runs.plan_records import HypothesisRecord, RolesRecord
from lcbench.runs.suite import choose, load_suite, shipped_suites

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


def test_every_shipped_suite_loads_under_the_name_of_its_file_and_says_what_for():
    assert "core" in shipped_suites()
    for name in shipped_suites():
        suite = load_suite(name)
        assert suite.name == name
        assert all(len(recipe.purpose) > 20 for recipe in suite.baselines)


# names


@pytest.mark.parametrize("name", ["coer", "Core"])
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


def test_roles_are_what_the_suite_says_and_none_where_it_says_nothing(tmp_path):
    assert load_suite(str(suite_file(tmp_path, MINE))).roles == RolesRecord()
    text = (
        f'leakage_free = "grouped"\nclaims = ["us2030", "own.toml"]\nmargin = 0.5\n{MINE}'
        'role = "shortcut"\n'
    )
    suite = load_suite(str(suite_file(tmp_path, text)))
    assert suite.roles == RolesRecord(
        leakage_free="grouped", claims=("us2030", "own.toml"), shortcut=("one",), margin=0.5
    )
    assert suite.baselines[0].options == {}  # a role is no option of the kind


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINE + ONE, "baselines named twice: one"),
        (
            f'flattering = "papr"\n{MINE}',
            "flattering = 'papr' is no protocol; known: paper, grouped",
        ),
        (f'flattering = "paper"\nleakage_free = "paper"\n{MINE}', "'paper' cannot be both"),
        (f"margin = 0\n{MINE}", "margin: Input should be greater than 0"),
        (f"margin = 51.0\n{MINE}", "margin: Input should be less than or equal to 50"),
        (f'claims = [""]\n{MINE}', "claims.0"),
        (MINE + 'role = "ceiling"\n', "baselines.0.role"),
        (MINE.replace('reference = "one"', 'reference = "two"'), "'two' is not one of"),
        (MINE + ONE.replace('"one"', '"splits"'), "reserved names: splits"),
        (MINE.replace('["paper"]', '["splits"]'), "reserved names: splits"),
        (MINE.replace("seeds", "sedes"), "sedes: is not a key"),
        (MINE.replace("seeds = 2", "seeds = 0"), "seeds"),
        (MINE.replace("seeds = 2", "seeds = 1_000_000_000"), "seeds: Input should be less than or"),
        (MINE.replace('"mine"', f'"{"m" * 101}"'), "name: String should have at most 100 char"),
        (MINE.replace('["paper"]', "[]"), "protocols"),
        (MINE.replace('kind = "majority"', ""), "baselines.0.kind: is missing"),
        (HEADER, "baselines: is missing"),
        ("", "name: is missing"),
        ("[[baselines]\n", "not a readable suite"),
    ],
)
def test_a_file_that_is_no_suite_is_refused_by_name_and_reason(tmp_path, text, words):
    error = refused(suite_file(tmp_path, text))
    assert words in error.message
    assert "pydantic" not in str(error)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "-flag", "a\\u0000", "ä", "a\\n"])
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


# ensembles

TWO = ONE + ONE.replace('"one"', '"two"')


def ensemble(name="both", over="baselines", members=("one", "two"), more=""):
    quoted = ", ".join(f'"{member}"' for member in members)
    return (
        f'[[ensembles]]\nname = "{name}"\npurpose = "x"\nover = "{over}"\n'
        f"members = [{quoted}]\n{more}"
    )


def test_a_suite_names_ensembles_of_its_baselines(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(HEADER + TWO + ensemble() + ensemble("again", "seeds", ["one"]))
    found = load_suite(str(file)).ensembles
    assert [(one.name, one.over, one.members) for one in found] == [
        ("both", "baselines", ("one", "two")),
        ("again", "seeds", ("one",)),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ensemble(members=["one", "three"]), "three is not one of the baselines"),
        (
            ensemble() + ensemble("more", members=["one", "both"]),
            "both is not one of the baselines",
        ),
        (ensemble("two"), "baselines or ensembles named twice: two"),
        (ensemble() + ensemble(), "baselines or ensembles named twice: both"),
        (ensemble(members=["one"]), "takes two members or more"),
        (ensemble(over="both", members=["one"]), "takes two members or more"),
        (ensemble(over="seeds"), "takes one member"),
        (ensemble(members=["one", "one"]), "a member is named twice"),
        (ensemble(members=[]), "members"),
        (ensemble(over="folds"), "over"),
        (ensemble("../escape"), "name"),
        (ensemble("external"), "reserved names: external"),
        (ensemble(more="weight = 2\n"), "weight"),
    ],
)
def test_an_ensemble_that_cannot_be_is_an_error_that_names_it(text, reason, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(HEADER + TWO + text)
    with pytest.raises(UserError, match=reason):
        load_suite(str(file))


# the question that a suite asks

SECOND = ONE.replace("one", "two")
QUESTION = '[hypothesis]\ntext = "Is it so?"\nreduction = 0.5\n'


def test_a_question_is_read_and_stands_in_the_roles(tmp_path):
    text = f'{HEADER}margin = 1.0\n{QUESTION}holds = "accuracy"\narms = ["two"]\n{ONE}{SECOND}'
    asked = load_suite(str(suite_file(tmp_path, text))).roles.hypothesis
    assert asked == HypothesisRecord(
        text="Is it so?", reduction=0.5, holds="accuracy", arms=("two",)
    )


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('holds = "accuracy"\n', 'holds = "accuracy" needs the margin of the suite'),
        ('arms = ["three"]\n', "arms: three is no baseline or ensemble beside the reference"),
        ('arms = ["one"]\n', "arms: one is no baseline or ensemble beside the reference"),
        ('arms = ["two", "two"]\n', "an arm is named twice"),
        ('event = "any_error"\nof = "root"\n', 'of = "root" needs event = "confusion"'),
        ("share = 0.5\n", "is not a key that is known here"),
    ],
)
def test_a_question_that_cannot_be_asked(tmp_path, lines, problem):
    path = suite_file(tmp_path, f"{HEADER}{QUESTION}{lines}{ONE}{SECOND}")
    assert problem in refused(path).message


@pytest.mark.parametrize("reduction", [-0.1, 1.0])
def test_a_reduction_is_a_share_below_one(tmp_path, reduction):
    question = QUESTION.replace("0.5", str(reduction))
    assert "reduction" in refused(suite_file(tmp_path, HEADER + question + ONE)).message


@pytest.mark.parametrize(
    ("name", "reduction"), [("confusion", 0.5), ("hierarchy", 0.0), ("ensemble", 0.0)]
)
def test_shipped_questions(name, reduction):
    asked = load_suite(name).hypothesis
    assert asked.reduction == reduction
    assert asked.text.endswith("?")
