import json

import pytest
from typer.testing import CliRunner

from lcbench.cli import app

HEADER = "image,true,predicted"


@pytest.fixture
def validate():
    """Type `lcbench validate` with these words."""
    return lambda *words: CliRunner().invoke(app, ["validate", *map(str, words)])


def strict_json(result):
    def refuse_constant(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(result.stdout, parse_constant=refuse_constant)


def test_a_valid_file_ends_with_one_line_that_sums_it_up(validate, csv_file):
    path = csv_file(
        f"{HEADER},group,sha256,seed,p:n,p:aca,p:scc",
        "a,n,n,g,ab,0,1,0,0", "b,malignant,aca,g,cd,0,0,1,0", "b,malignant,aca,g,cd,1,0,1,0",
    )  # fmt: skip
    result = validate(path)
    assert result.exit_code == 0
    assert result.stdout == (
        f"{path}: valid: 3 predictions of 2 images, 2 seeds, 1 source group, 2 classes, "
        "probabilities\n"
    )
    assert result.stderr == ""


def test_problems_come_first_then_notes_then_the_summary(validate, csv_file):
    path = csv_file(f"{HEADER},seed", "a,odd,n,x", "b,n,malignant,0")
    result = validate(path)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    marks = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert marks == ["problem"] * 3 + ["note"] * 3 + [str(path)]
    assert lines[-1].endswith("not valid: 3 problems in 2 rows")
    assert "--labels" in result.stdout


def test_notes_alone_are_no_reason_to_fail(validate, csv_file):
    result = validate(csv_file(HEADER, "a,n,n"))
    assert result.exit_code == 0
    assert "note: no column sha256: images are matched by name" in result.stdout
    assert result.stdout.endswith(
        "valid: 1 prediction of 1 image, no source groups, 1 class, no probabilities\n"
    )


def test_machines_get_one_object(validate, csv_file):
    path = csv_file(f"{HEADER},seed", "a,odd,n,1.0", "b,n,n,1")
    result = validate(path, "--json")
    assert result.exit_code == 1
    answer = strict_json(result)
    (problem,) = answer["problems"]
    assert "unknown class: 'odd'" in problem["what"]
    assert problem["remedy"]
    assert [set(note) for note in answer["notes"]] == [{"what", "remedy"}] * 3
    del answer["problems"], answer["notes"]
    assert answer == {
        "file": str(path), "valid": False, "rows": 2, "left_out": 0, "images": 2, "groups": 0,
        "classes": ["benign"], "probabilities": False, "sha256": False, "seeds": [1],
        "folds": [0], "protocol": "", "baseline": "",
    }  # fmt: skip


def test_the_label_map_and_the_class_tree_are_the_users(validate, csv_file, tmp_path):
    path = csv_file(HEADER, "a,funny,sunny", "b,odd,whatever")
    labels = tmp_path / "labels.toml"
    labels.write_text('[labels]\nfunny = "one"\nsunny = "two"\nodd = "leave-out"\n')
    tree = tmp_path / "tree.toml"
    tree.write_text('name = "mine"\n[nodes.one]\nparent = "root"\n[nodes.two]\nparent = "root"\n')
    result = validate(path, "--labels", labels, "--taxonomy", tree)
    assert result.exit_code == 0
    assert "1 row left out" in result.stdout
    assert "valid: 1 prediction of 1 image" in result.stdout
    assert validate(path, "--taxonomy", tree).exit_code == 1


@pytest.mark.parametrize("option", ["--labels", "--taxonomy"])
def test_an_option_that_names_nothing_is_one_message(validate, csv_file, option):
    result = validate(csv_file(HEADER, "a,n,n"), option, "nowhere.toml")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: nowhere.toml")


def test_what_is_not_there_is_a_problem_for_people_and_machines(validate, tmp_path):
    path = tmp_path / "nowhere.csv"
    result = validate(path)
    assert result.exit_code == 1
    assert "problem: no such file or folder" in result.stdout
    assert strict_json(validate(path, "--json"))["valid"] is False
    assert validate().exit_code == 2


@pytest.mark.parametrize("name", ["[/red]", "[bold]x", "\x1b[31mred", "%s{0}", "a" * 5_000])
def test_names_from_outside_are_shown_as_they_are(validate, csv_file, name):
    result = validate(csv_file(HEADER, f"{name},{name},n", f"{name},n,n", name="[bold]x.csv"))
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert "[bold]x.csv: not valid" in result.stdout
    if "\x1b" not in name and len(name) < 100:
        assert name in result.stdout


def test_a_file_name_that_is_no_text_is_shown_somehow(validate, csv_file):
    path = csv_file(HEADER, "a,n,n", name="odd\udcff.csv")
    assert validate(path).exit_code == 0
    assert "odd\N{REPLACEMENT CHARACTER}.csv" in strict_json(validate(path, "--json"))["file"]


def test_a_folder_of_runs_can_be_named(validate, parquet_file):
    path = parquet_file("knn/seed0/predictions.parquet", seed=[0] * 3, baseline=["knn"] * 3)
    parquet_file("knn/seed1/predictions.parquet", seed=[1] * 3, baseline=["knn"] * 3)
    result = validate(path.parents[1])
    assert result.exit_code == 0
    assert "valid: 6 predictions of 3 images, 2 seeds" in result.stdout


def test_the_command_explains_its_options(validate):
    result = validate("--help")
    assert result.exit_code == 0
    for option in ("--labels", "--taxonomy", "--json"):
        assert option in result.stdout
