import dataclasses

from lcbench.statistics.roles import Roles
from lcbench.taxonomy import load_taxonomy

LUNG = load_taxonomy()


def test_roles_of_the_default_tree():
    roles = Roles.of(LUNG)
    assert roles.leaves == ("benign", "adenocarcinoma", "squamous_cell_carcinoma")
    assert roles.negative == (0,)
    assert roles.subtypes == (1, 2)


def test_a_tree_without_roles():
    roles = Roles.of(dataclasses.replace(LUNG, negative=None, subtypes_of=None))
    assert (roles.negative, roles.subtypes) == ((), ())


def test_an_inner_node_stands_for_its_leaves():
    assert Roles.of(dataclasses.replace(LUNG, negative="malignant")).negative == (1, 2)
