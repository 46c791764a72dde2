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


def test_notes_alone_are_no_reason_to_fail_nor_is_an_odd_file_name(validate, csv_file):
    path = csv_file(HEADER, "a,n,n", name="odd\udcff.csv")
    result = validate(path)
    assert result.exit_code == 0
    assert "note: no column sha256: images are matched by name" in result.stdout
    assert result.stdout.endswith(
        "valid: 1 prediction of 1 image, no source groups, 1 class, no probabilities\n"
    )
    assert "odd\N{REPLACEMENT CHARACTER}.csv" in strict_json(validate(path, "--json"))["file"]


def test_problems_come_first_then_notes_then_the_summary(validate, csv_file):
    path = csv_file(f"{HEADER},seed", "a,odd,n,x", "b,n,malignant,0")
    result = validate(path)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    marks = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert marks == ["problem"] * 3 + ["note"] * 3 + [str(path)]
    assert lines[-1].endswith("not valid: 3 problems in 2 rows")
    assert "--labels" in result.stdout


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


def test_what_is_not_there_is_a_problem_or_a_message(validate, csv_file, tmp_path):
    path = tmp_path / "nowhere.csv"
    result = validate(path)
    assert result.exit_code == 1
    assert "problem: no such file or folder" in result.stdout
    assert strict_json(validate(path, "--json"))["valid"] is False
    assert validate().exit_code == 2
    for option in ("--labels", "--taxonomy"):
        result = validate(csv_file(HEADER, "a,n,n"), option, "nowhere.toml")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: nowhere.toml")


@pytest.mark.parametrize("name", ["[/red]", "\x1b[31mred", "%s{0}"])
def test_names_from_outside_are_shown_as_they_are(validate, csv_file, name):
    result = validate(csv_file(HEADER, f"{name},{name},n", f"{name},n,n", name="[bold]x.csv"))
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert "[bold]x.csv: not valid" in result.stdout
    assert name in result.stdout or "\x1b" in name
