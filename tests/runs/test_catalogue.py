import pytest

from lcbench.runs.catalogue import LISTINGS
from lcbench.runs.suite import load_suite
from lcbench.taxonomy import shipped_taxonomies


@pytest.mark.parametrize("what", LISTINGS)
def test_a_listing_has_rows_of_equal_keys_and_no_empty_cell(what):
    rows = LISTINGS[what]()
    assert rows
    for row in rows:
        assert row.keys() == rows[0].keys()
        assert all(isinstance(value, str) and value for value in row.values()), row


def test_every_baseline_of_core_is_listed():
    rows = [row for row in LISTINGS["baselines"]() if row["suite"] == "core"]
    assert [row["baseline"] for row in rows] == [r.name for r in load_suite("core").baselines]
    assert {row["baseline"]: row["backbone"] for row in rows}["majority"] == "-"


def test_a_suite_is_listed_with_its_size():
    (core,) = (row for row in LISTINGS["suites"]() if row["suite"] == "core")
    assert (core["baselines"], core["protocols"], core["seeds"]) == ("11", "paper, grouped", "3")


def test_a_backbone_without_weights_here_says_how_to_get_them(monkeypatch):
    from lcbench.models import weights

    monkeypatch.setattr(weights, "locate_weights", lambda *_: None)
    rows = LISTINGS["backbones"]()
    assert {row["weights"] for row in rows} == {"none known"}
    assert all(row["with --offline"].startswith("no: ") for row in rows)
    assert all(len(row["with --offline"]) > len("no: ") for row in rows)


def test_every_class_tree_is_listed_with_its_decisions():
    rows = {row["taxonomy"]: row for row in LISTINGS["taxonomies"]()}
    assert set(rows) == set(shipped_taxonomies())
    assert "all: benign, malignant; malignant: NSCLC, small_cell" in rows["lung-who"]["tree"]
    assert rows["lung-colon"]["no finding"] == "benign_lung, benign_colon"
