import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.records import (
    SCHEMA_VERSION,
    NewerVersionError,
    RunConfig,
    RunState,
    TaxonomyRecord,
    read_record,
    write_record,
)

from ..stored import as_older, rewrite

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
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{", b"null", b"\xff\xfe", b"[" * 10**5])
def test_a_file_that_is_no_record_is_refused_by_name_in_one_line(tmp_path, kind, content):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    message = refused(path, kind).message
    assert "\n" not in message
    assert "pydantic" not in message


def test_no_byte_of_a_record_can_be_changed_without_a_word(tmp_path):
    path = tmp_path / "state.json"
    write_record(path, RunState(status="done", started="now", train_seconds=3.25, epochs=12))
    whole = path.read_bytes()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        path.write_bytes(changed)
        refused(path, RunState)
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        refused(path, RunState)


@pytest.mark.parametrize(
    ("key", "value"), [("new_key", 1), ("seed", "x"), ("seed", None), ("dataset", {})]
)
def test_a_record_with_unknown_keys_or_wrong_values_is_refused(tmp_path, key, value):
    path = tmp_path / "config.json"
    write_record(path, config({}))
    rewrite(path, **{key: value})
    assert key in refused(path, RunConfig).message


def test_a_record_of_a_newer_version_is_not_guessed_at(tmp_path):
    path = tmp_path / "config.json"
    write_record(path, config({}))
    rewrite(path, schema_version=SCHEMA_VERSION + 1, something="new")
    error = refused(path, RunConfig)
    assert isinstance(error, NewerVersionError)
    assert "Update" in error.remedy


def test_a_record_of_the_version_before_is_read_without_a_hash_of_itself(tmp_path):
    path = tmp_path / "config.json"
    write_record(path, config({}))
    as_older(path)
    assert read_record(path, RunConfig) == config({}).model_copy(update={"schema_version": 1})


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc", "", ".", "..", ".hidden", "a\nb", "x\n"])
@pytest.mark.parametrize("key", ["suite", "protocol", "baseline"])
def test_names_that_are_no_plain_folders_are_refused(tmp_path, key, name):
    path = tmp_path / "config.json"
    write_record(path, config({}))
    rewrite(path, **{key: name})
    assert key in refused(path, RunConfig).message


def test_the_order_of_the_classes_is_a_part_of_a_tree():
    one, other = ({"a": "root", "b": "root"}, {"b": "root", "a": "root"})
    trees = [
        TaxonomyRecord(name="t", parents=parents, negative="a", subtypes_of=None)
        for parents in (one, other)
    ]
    assert trees[0].structure != trees[1].structure


def test_other_source_groups_are_other_however_many():
    dataset = config({}).dataset.model_copy(update={"groups_sha256": "1", "source_groups": 3})
    assert dataset.same_groups(dataset.model_copy(update={"groups_source": "other.csv"}))
    assert not dataset.same_groups(dataset.model_copy(update={"groups_sha256": "2"}))
    assert not dataset.same_groups(dataset.model_copy(update={"groups_sha256": ""}))
