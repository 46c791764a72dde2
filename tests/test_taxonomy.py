import json
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.runs.records import TaxonomyRecord
from lcbench.taxonomy import ROOT, Taxonomy, load_taxonomy, normalise, shipped_taxonomies

from .trees import shapes, trees, walk

LUNG = load_taxonomy()
TWO = '[nodes.a]\nparent = "root"\n[nodes.b]\nparent = "root"\n'

# The oracles walk shapes (lists of lists) and know nothing of parents.


@st.composite
def trees_and_paths(draw):
    """Return a taxonomy, the paths of its leaves and those of its inner nodes."""
    found = draw(st.permutations(list(walk(draw(shapes)))))
    parents = {path[-1]: path[-2] if len(path) > 1 else ROOT for path, _ in found}
    leaves = {path[-1]: path for path, is_leaf in found if is_leaf}
    inner = {path[-1]: path for path, is_leaf in found if not is_leaf}
    return Taxonomy("random", parents, {}, (), None), leaves, inner


def some_trees(test):
    """Run a test on random trees."""
    return settings(max_examples=30)(given(trees_and_paths())(test))


# names of folders


@pytest.mark.parametrize(
    ("node", "names"),
    {
        "benign": "lung_n normal benign Benign Normal NORMAL healthy lung_benign_tissue "
        "Lung-Benign_Tissue non-cancerous nor n",
        "adenocarcinoma": "lung_aca aca adenocarcinoma Adenocarcinoma LUAD luad ADC "
        "TCGA-LUAD lung_adenocarcinoma adenocarcinoma_left.lower.lobe_T2_N0_M0_Ib",
        "squamous_cell_carcinoma": "lung_scc scc SCC squamous.cell.carcinoma squamous LUSC "
        "squamous_cell_carcinoma Squamous-Cell-Carcinoma TCGA-LUSC lung_squamous_cell_carcinoma "
        "squamous.cell.carcinoma_left.hilum_T1_N2_M0_IIIa",
        "malignant": "malignant Malignant cancer Cancer tumor tumour NSCLC carcinoma "
        "large.cell.carcinoma large.cell.carcinoma_left.hilum_T2_N2_M0_IIIa",
    }.items(),
)
def test_common_folder_names_are_known(node, names):
    assert {name: LUNG.find(name) for name in names.split()} == dict.fromkeys(names.split(), node)


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("Bengin cases", "benign"),  # sic: IQ-OTHNCCD
        ("Malignant cases", "malignant"),
        ("Normal cases", "benign"),
        ("Lung adenocarcinoma", "adenocarcinoma"),
        ("Lung squamous cell carcinoma", "squamous_cell_carcinoma"),
        ("  adenocarcinoma  ", "adenocarcinoma"),
        ("non-small cell lung cancer", "malignant"),
    ],
)
def test_common_folder_names_with_spaces_are_known(name, node):
    assert LUNG.find(name) == node


def test_names_that_say_nothing_about_the_lung_match_nothing():
    words = (
        "lung lungs colon colon_n colon_aca colon_image_sets lung_image_sets lung_colon_image_set "
        "train test valid validation val images data dataset root 0 1 - unknown other lung_x "
        "adenocarcinomatous notbenign breast_malignant"
    )
    names = [*words.split(), "", " ", "not benign", "colon adenocarcinoma"]
    assert {name: LUNG.find(name) for name in names} == dict.fromkeys(names)


@pytest.mark.parametrize("separator", ["_", "-", ".", "  ", " - "])
def test_case_and_punctuation_make_no_difference(separator):
    for node, aliases in LUNG.aliases.items():
        for alias in (node, *aliases):
            name = alias.removesuffix(" *").replace(" ", separator)
            assert LUNG.find(name) == LUNG.find(name.upper()) == node


def test_accents_compare_equal_however_the_file_system_stores_them():
    name = "Bösartig übrig"
    decomposed = unicodedata.normalize("NFD", name)
    assert decomposed != name
    assert normalise(decomposed) == normalise(name) == "bösartig übrig"


@settings(max_examples=50)
@given(st.text(max_size=20))
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


def test_the_longest_matching_beginning_wins_and_a_whole_name_before_it():
    aliases = {"a": ("cell *",), "b": ("cell big *",), "c": ("cell big one",)}
    tree = Taxonomy("t", dict.fromkeys("abc", ROOT), aliases, (), None)
    names = ["Cell", "cell_x", "cell.big", "cell big x", "cell big one", "cellular"]
    assert [tree.find(name) for name in names] == [None, "a", "a", "b", "c", None]


# properties of any tree


@some_trees
def test_a_row_of_the_matrix_is_the_path_to_the_leaf(tree_and_paths):
    tree, leaves, _ = tree_and_paths
    assert set(tree.leaves) == set(leaves)
    for leaf, row in zip(tree.leaves, tree.leaf_to_node, strict=True):
        assert {node for node, one in zip(tree.nodes, row, strict=True) if one} == set(leaves[leaf])
        assert set(row) <= {0.0, 1.0}
        assert tree.path(leaf) == leaves[leaf]


@some_trees
def test_lca_heights_are_an_ultrametric_with_the_right_values(tree_and_paths):
    tree, leaves, _ = tree_and_paths
    pairs = [[tree.lca_height(one, other) for other in tree.leaves] for one in tree.leaves]
    heights = np.where(np.eye(len(leaves), dtype=bool), 0, pairs)
    assert (heights == heights.T).all()
    assert (np.diag(heights) == 0).all()
    assert (heights[~np.eye(len(leaves), dtype=bool)] > 0).all()
    assert (heights[:, None, :] <= np.maximum(heights[:, :, None], heights[None])).all()
    assert heights.max() == tree.height == max(map(len, leaves.values()))
    first, second = leaves[tree.leaves[0]], leaves[tree.leaves[1]]
    shared = [node for node in first if node in second]
    below = [len(path) for path in leaves.values() if path[: len(shared)] == tuple(shared)]
    assert heights[0, 1] == max(below) - len(shared)


# files


def test_the_lung_tree_is_the_one_of_the_design():
    assert LUNG.parents == {
        "benign": ROOT,
        "malignant": ROOT,
        "adenocarcinoma": "malignant",
        "squamous_cell_carcinoma": "malignant",
    }
    assert LUNG.leaves == ("benign", "adenocarcinoma", "squamous_cell_carcinoma")
    assert (LUNG.negative, LUNG.subtypes_of) == (("benign",), "malignant")
    heights = [LUNG.lca_height("adenocarcinoma", other) for other in LUNG.nodes]
    assert dict(zip(LUNG.nodes, heights, strict=True)) == {
        "benign": 2, "malignant": 1, "adenocarcinoma": 0, "squamous_cell_carcinoma": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "a cycle": ('[nodes.c]\nparent = "d"\n[nodes.d]\nparent = "c"\n' + TWO, "own ancestor"),
        "a way into a cycle": (
            '[nodes.x]\nparent = "c"\n[nodes.c]\nparent = "d"\n[nodes.d]\nparent = "c"\n' + TWO,
            "is its own ancestor",
        ),
        "no such parent": (TWO + '[nodes.c]\nparent = "nobody"\n', "'nobody'"),
        "no such grandparent": (
            '[nodes.x]\nparent = "c"\n[nodes.c]\nparent = "nobody"\n' + TWO,
            "'nobody'",
        ),
        "one child": (TWO + '[nodes.c]\nparent = "a"\n', "'a' has one child only"),
        "the root listed": (TWO + '[nodes.root]\nparent = "a"\n', "'root'"),
        "an alias twice": (
            TWO.replace("\n[nodes.b]", '\naliases = ["X y"]\n[nodes.b]') + 'aliases = ["x-Y"]\n',
            "'x y' stands for both 'a' and 'b'",
        ),
        "an alias that is a node": (TWO + 'aliases = ["A"]\n', "stands for both 'a' and 'b'"),
        "one name in two spellings": (TWO + '[nodes.A]\nparent = "root"\n', "'a' and 'A'"),
        "a negative that is no node": ('negative = "c"\n' + TWO, "negative = 'c'"),
        "one of several negatives that is no node": (
            'negative = ["a", "c"]\n' + TWO,
            "negative = 'c'",
        ),
        "negatives one below the other": (
            'negative = ["a", "c"]\n' + TWO + '[nodes.c]\nparent = "a"\n[nodes.d]\nparent = "a"\n',
            "negative names 'c', which 'a' holds already",
        ),
        "one negative twice": ('negative = ["a", "a"]\n' + TWO, "names 'a' twice"),
        "all classes negative": ('negative = ["a", "b"]\n' + TWO, "names every class"),
        "subtypes of no node": ('subtypes_of = "c"\n' + TWO, "subtypes_of = 'c'"),
        "subtypes of a leaf": ('subtypes_of = "a"\n' + TWO, "subtypes_of = 'a'"),
        "an alias of no letters": (TWO + 'aliases = ["--"]\n', "alias '--' of 'b' fits no name"),
        "an alias of everything": (TWO + 'aliases = ["*"]\n', "alias '*' of 'b' fits no name"),
        "a child in its parent's table": (
            TWO + "[nodes.a.c]\n",
            "nodes.a.c: is not a key that is known here",
        ),
        "a name with a dot that stands in no quotes": (
            TWO + '[nodes.non.small]\nparent = "a"\n',
            "nodes.non.parent: is missing",
        ),
        "classes in a list": ('nodes = ["a", "b"]\n', "nodes: must be a table of keys"),
        "a cost of no answer": ("[costs]\na = 3\n" + TWO, "costs.a: must be a table of keys"),
        "an unknown key": ('negativ = "a"\n' + TWO, "negativ"),
        "a node without parent": (TWO + "[nodes.c]\n", "nodes.c.parent: is missing"),
        "one node": ('[nodes.a]\nparent = "root"\n', "must have at least 2 entries, not 1"),
        "a name without letters": (TWO + '[nodes." "]\nparent = "root"\n', "' ' is no name of a"),
        "a control character": (
            TWO + '[nodes."c\\u001b"]\nparent = "root"\n',
            "in it is invisible",
        ),
        "a long name": (TWO + f'[nodes.{"c" * 101}]\nparent = "root"\n', "at most 100 characters"),
        "very many nodes": (
            "".join(f'[nodes.n{number}]\nparent = "root"\n' for number in range(1_001)),
            "nodes: must have at most 1000 entries",
        ),
        "a cost of no node": (TWO + "[costs.a]\nc = 2\n", "costs: 'c' is not one of the nodes"),
        "a cost of what is right": (TWO + "[costs.a]\na = 2\n", "is no error"),
        "a negative cost": (TWO + "[costs.a]\nb = -1\n", "costs.a.b"),
        "bad TOML": ("[nodes.a\n", "not a readable taxonomy"),
    }.values(),
)
def test_a_file_that_is_no_tree_is_refused_by_name_and_reason(text, words, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\n' + text)
    with pytest.raises(UserError) as raised:
        load_taxonomy(file)
    assert str(file) in raised.value.message
    assert words in raised.value.message


@pytest.mark.parametrize(
    "text",
    [
        'negative = "bening"\n',
        'subtypes_of = "bening"\n',
        "[costs.malignant]\nbening = 2\n",
        '[nodes.c]\nparent = "bening"\n',
    ],
)
def test_a_name_in_a_file_that_stands_for_no_node_is_answered_with_the_near_one(text, tmp_path):
    file = tmp_path / "mine.toml"
    nodes = '[nodes.benign]\nparent = "root"\n[nodes.malignant]\nparent = "root"\n'
    file.write_text('name = "mine"\n' + (text + nodes if text[0] != "[" else nodes + text))
    with pytest.raises(UserError) as raised:
        load_taxonomy(file)
    assert "'bening'" in raised.value.message
    assert "is not one of the nodes" in raised.value.message
    assert "Did you mean benign?" in raised.value.remedy


def test_a_tree_needs_a_name(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('name = ""\n' + TWO)
    with pytest.raises(UserError, match="name: "):
        load_taxonomy(file)


def test_one_alias_needs_no_list(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\n' + TWO + 'aliases = "X y"\n')
    assert load_taxonomy(file).find("x-y") == "b"


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path):
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"name = '\xff'")
    for file, said in (
        (tmp_path / "absent.toml", "No such file"),
        (binary, "not a readable taxonomy"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(UserError, match=said) as raised:
            load_taxonomy(file)
        assert str(file) in raised.value.message


def test_a_class_that_the_tree_lacks_is_answered_with_the_near_one():
    with pytest.raises(UserError) as raised:
        LUNG.require("adenocarcinom")
    assert "Did you mean adenocarcinoma" in raised.value.remedy
    assert LUNG.require("malignant") == "malignant"


COSTS = """
name = "lung"
[nodes.benign]
parent = "root"
[nodes.malignant]
parent = "root"
[nodes.one]
parent = "malignant"
[nodes.other]
parent = "malignant"
[costs.malignant]
benign = 10
[costs.benign]
malignant = 2
one = 3
"""


def test_stated_costs_hold_for_what_lies_below_and_the_deepest_one_counts(tmp_path):
    file = tmp_path / "costs.toml"
    file.write_text(COSTS)
    tree = load_taxonomy(file)
    assert tree.cost("one", "benign") == tree.cost("malignant", "benign") == 10
    assert (tree.cost("benign", "one"), tree.cost("benign", "other")) == (3, 2)
    assert tree.cost("one", "other") == 1  # stated nowhere
    assert tree.cost("one", "one") == tree.cost("malignant", "one") == 0


def test_without_stated_costs_an_error_costs_the_height_of_where_it_parts():
    assert LUNG.cost("benign", "adenocarcinoma") == 2
    assert LUNG.cost("adenocarcinoma", "squamous_cell_carcinoma") == 1
    assert LUNG.cost("malignant", "adenocarcinoma") == 0


def test_a_tree_is_found_by_name_and_a_near_name_is_told():
    assert load_taxonomy("lung") == LUNG
    assert set(shipped_taxonomies()) >= {"lung"}
    with pytest.raises(UserError, match="unknown taxonomy: 'lang'") as raised:
        load_taxonomy("lang")
    assert "lung" in raised.value.remedy


LC25000 = {
    "lung_n": "benign_lung",
    "lung_aca": "lung_adenocarcinoma",
    "lung_scc": "lung_squamous_cell_carcinoma",
    "colon_n": "benign_colon",
    "colon_aca": "colon_adenocarcinoma",
}


def test_lung_who_is_the_tree_of_its_docstring():
    tree = load_taxonomy("lung-who")
    paths = {leaf: tree.path(leaf) for leaf in tree.leaves}
    assert paths == {
        "benign": ("benign",),
        "adenocarcinoma": ("malignant", "NSCLC", "adenocarcinoma"),
        "squamous_cell_carcinoma": ("malignant", "NSCLC", "squamous_cell_carcinoma"),
        "large_cell_carcinoma": ("malignant", "NSCLC", "large_cell_carcinoma"),
        "small_cell_carcinoma": ("malignant", "small_cell_carcinoma"),
    }
    assert (tree.negative, tree.subtypes_of) == (("benign",), "NSCLC")
    found = {name: tree.find(name) for name in ("nsclc", "SCLC", "lung_lcc", "LUAD", "LCNEC")}
    assert found == {
        "nsclc": "NSCLC",
        "SCLC": "small_cell_carcinoma",
        "lung_lcc": "large_cell_carcinoma",
        "LUAD": "adenocarcinoma",
        "LCNEC": "malignant",
    }


def test_what_the_lung_tree_knows_lung_who_knows_at_least_as_well():
    who = load_taxonomy("lung-who")
    for node, aliases in LUNG.aliases.items():
        for alias in aliases:
            found = who.find(alias.removesuffix("*"))
            assert found is not None, alias
            assert who.is_under(found, node), alias


def test_lung_colon_has_the_five_classes_of_lc25000():
    tree = load_taxonomy("lung-colon")
    assert {name: tree.find(name) for name in LC25000} == LC25000
    assert set(tree.leaves) == set(LC25000.values())
    assert (tree.depth("colon_adenocarcinoma"), tree.height) == (2, 3)
    assert tree.negative == ("benign_lung", "benign_colon")
    assert tree.subtypes_of == "lung_cancer"
    organless = ("normal", "benign", "adenocarcinoma", "aca", "scc", "cancer", "n")
    assert {tree.find(name) for name in organless} == {None}


@settings(max_examples=40)
@given(trees())
def test_a_tree_written_to_a_file_and_to_a_record_is_the_same(tmp_path_factory, tree):
    file = tmp_path_factory.mktemp("trees") / "tree.toml"
    file.write_text(as_toml(tree))
    again = load_taxonomy(file)
    assert replace(again, aliases={}) == tree
    record = TaxonomyRecord.model_validate_json(TaxonomyRecord.of(tree).model_dump_json())
    assert record.tree() == tree
    assert record.structure == TaxonomyRecord.of(tree).structure


def as_toml(tree: Taxonomy) -> str:
    lines = [f'name = "{tree.name}"', f"negative = {json.dumps(tree.negative)}"]
    if tree.subtypes_of is not None:
        lines.append(f'subtypes_of = "{tree.subtypes_of}"')
    for node, parent in tree.parents.items():
        lines += [f'[nodes."{node}"]', f'parent = "{parent}"']
    for true, answers in tree.costs.items():
        lines += [f'[costs."{true}"]', *(f'"{a}" = {cost!r}' for a, cost in answers.items())]
    return "\n".join(lines)


@settings(max_examples=40)
@given(trees())
def test_laws_of_costs_and_answers(tree):
    for label in tree.nodes:
        for leaf in tree.leaves:
            right = tree.is_under(leaf, label)
            assert tree.cost(label, leaf) >= 0
            assert not right or tree.cost(label, leaf) == 0
            if not tree.costs:
                assert (tree.cost(label, leaf) == 0) == right
        for level in range(1, tree.height + 1):
            answer = tree.ancestor_at(label, level)
            assert answer is None or tree.is_under(label, answer)
