import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.runs.records import (
    SCHEMA_VERSION,
    ExternalRecord,
    PlanRecord,
    RunConfig,
    RunState,
    read_record,
    write_record,
)

KINDS = (RunConfig, RunState, PlanRecord, ExternalRecord)
# What a recipe can hold; the types matter, because a model is restored from them.
scalars = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
)
options = st.dictionaries(st.text(max_size=5), scalars | st.lists(scalars, max_size=3), max_size=5)


def config(recipe):
    dataset = {
        "name": "d",
        "synthetic": False,
        "images": 3,
        "images_by_class": {"benign": 3},
        "source_groups": None,
        "groups_source": "",
        "skipped": ["a/b.png: empty file"],
        "sha256": "0",
    }
    split = dict.fromkeys(("train", "validation", "test"), 1)
    split |= dict.fromkeys(("test_with_siblings", "test_groups", "test_groups_in_train"))
    taxonomy = {"name": "t", "parents": {}, "negative": None, "subtypes_of": None}
    return RunConfig.model_validate(
        {
            **dict.fromkeys(("suite", "protocol", "baseline", "purpose", "kind"), "x"),
            **dict.fromkeys(("device", "precision", "commit"), "x"),
            "recipe": recipe,
            "seed": 0,
            "fold": 0,
            "taxonomy": taxonomy,
            "dataset": dataset,
            "split": {"sha256": "0", **split},
            "backbone": None,
            "versions": {},
        }
    )


@given(recipe=options)
def test_a_record_comes_back_with_its_types(recipe, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "test_records" / "config.json"  # not above others
    written = config(recipe)
    write_record(path, written)
    back = read_record(path, RunConfig)
    assert back == written
    assert {k: type(v) for k, v in back.recipe.items()} == {k: type(v) for k, v in recipe.items()}


def test_a_record_is_json_that_people_can_read(tmp_path):
    path = tmp_path / "state.json"
    write_record(path, RunState(status="failed", error="kein Öl\n", started="now"))
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert "Öl" in text
    assert json.loads(text)["error"] == "kein Öl\n"


def refused(path, kind):
    with pytest.raises(UserError) as raised:
        read_record(path, kind)
    assert str(path) in raised.value.message
    return raised.value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{", b"null", b"\xff\xfe"])
def test_a_file_that_is_no_record_is_refused_by_name(tmp_path, kind, content):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    assert "run the suite again" in refused(path, kind).remedy


@pytest.mark.parametrize(
    ("key", "value"), [("new_key", 1), ("seed", "x"), ("seed", None), ("dataset", {})]
)
def test_a_record_with_unknown_keys_or_wrong_values_is_refused(tmp_path, key, value):
    path = tmp_path / "config.json"
    changed = config({}).model_dump(mode="json") | {key: value}
    path.write_text(json.dumps(changed))
    assert key in refused(path, RunConfig).message


def test_a_record_of_a_newer_version_is_not_guessed_at(tmp_path):
    path = tmp_path / "config.json"
    newer = config({}).model_dump(mode="json") | {"schema_version": SCHEMA_VERSION + 1}
    path.write_text(json.dumps(newer))
    error = refused(path, RunConfig)
    assert "newer" in error.message
    assert "Update" in error.remedy
