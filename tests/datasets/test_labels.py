import unicodedata

import pytest

from lcbench.datasets.labels import LEAVE_OUT, LabelReader, load_label_map
from lcbench.errors import UserError
from lcbench.taxonomy import ROOT, load_taxonomy

LUNG = load_taxonomy()
READER = LabelReader(LUNG)


def label_map(folder, text):
    path = folder / "map.toml"
    path.write_text(text, encoding="utf-8")
    return path


# folders


@pytest.mark.parametrize(
    ("folders", "label", "node"),
    [
        (("lung_aca",), "lung_aca", "adenocarcinoma"),
        (("train", "lung_n"), "lung_n", "benign"),
        (("malignant", "LUAD", "patient 7"), "LUAD", "adenocarcinoma"),
        (("malignant", "LUAD"), "LUAD", "adenocarcinoma"),
        (("malignant", "patient 7"), "malignant", "malignant"),
        (("a", "b"), "b", None),
        (("lung",), "lung", None),
        ((), "", None),
    ],
)
def test_the_innermost_folder_with_a_known_name_is_the_label(folders, label, node):
    assert READER.read_path(folders) == (label, node)


def test_a_folder_that_the_map_leaves_out_is_left_out_though_one_above_has_a_name(tmp_path):
    path = label_map(tmp_path, '[labels]\n"mucinous" = "leave-out"')
    reader = load_label_map(path, LUNG)
    assert reader.read_path(("adenocarcinoma", "mucinous")) == ("mucinous", LEAVE_OUT)


# maps


def test_a_map_adds_names_and_changes_known_ones(tmp_path):
    path = label_map(
        tmp_path, '[labels]\n"Class 1" = "benign"\nnormal = "leave-out"\ncancer = "adenocarcinoma"'
    )
    reader = load_label_map(path, LUNG)
    assert reader.read("class_1") == "benign"
    assert reader.read("NORMAL") == LEAVE_OUT
    assert reader.read("cancer") == "adenocarcinoma"
    assert reader.read("lung_scc") == "squamous_cell_carcinoma"
    assert reader.read("class 2") is None


def test_a_map_knows_a_name_however_the_file_system_stores_its_accents(tmp_path):
    reader = load_label_map(label_map(tmp_path, '[labels]\n"Bösartig" = "malignant"'), LUNG)
    assert reader.read(unicodedata.normalize("NFD", "Bösartig")) == "malignant"
    assert reader.read(unicodedata.normalize("NFC", "Bösartig")) == "malignant"


def refused(path):
    with pytest.raises(UserError) as raised:
        load_label_map(path, LUNG)
    return raised.value


def test_a_map_to_a_class_that_is_none_names_the_near_one(tmp_path):
    error = refused(label_map(tmp_path, '[labels]\nx = "adenocarcinom"'))
    assert "'adenocarcinom'" in error.message
    assert "adenocarcinoma" in error.remedy


@pytest.mark.parametrize("pair", [("+", "-"), ("Type A", "type_a"), ("?", " ")])
def test_two_names_that_compare_equal_may_not_have_two_meanings(tmp_path, pair):
    one, other = pair
    text = f'[labels]\n"{one}" = "malignant"\n"{other}" = "benign"'
    path = label_map(tmp_path, text)
    error = refused(path)
    assert str(path) in error.message
    assert repr(other) in error.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "labels = 3",
        "[labels]\nx = 3",
        "[label]\nx = 'benign'",
        "[labels\n",
        "[labels]\nx.y='a'",
    ],
)
def test_a_file_that_is_no_map_is_refused_with_an_example(tmp_path, text):
    path = label_map(tmp_path, text)
    error = refused(path)
    assert str(path) in error.message
    assert "[labels]" in error.remedy


def test_a_map_that_is_no_text_is_refused_by_name(tmp_path):
    path = tmp_path / "map.toml"
    path.write_bytes(b"[labels]\nx = '\xff'")
    assert str(path) in refused(path).message


# names as they are found


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("adenocarcinoma_left.lower.lobe_T2_N0_M0_Ib", "adenocarcinoma"),
        ("squamous.cell.carcinoma_left.hilum_T1_N2_M0_IIIa", "squamous_cell_carcinoma"),
        ("large.cell.carcinoma_left.hilum_T2_N2_M0_IIIa", "malignant"),
        ("Bengin cases", "benign"),
        ("Bengin case", "benign"),
        ("Malignant cases", "malignant"),
        ("aca_bd", "adenocarcinoma"),
        ("scc_pd", "squamous_cell_carcinoma"),
        ("nor", "benign"),
        ("lungaca", "adenocarcinoma"),
        ("OSCC", None),
    ],
)
def test_names_of_public_folders_are_understood(name, node):
    assert READER.read(name) == node


def test_a_map_may_call_a_class_out_of_distribution(tmp_path):
    path = label_map(tmp_path, '[labels]\nOSCC = "out-of-distribution"\nscc = "leave-out"')
    reader = load_label_map(path, LUNG)
    assert reader.read("oscc") == ROOT
    assert reader.read_path(("malignant", "OSCC")) == ("OSCC", ROOT)
