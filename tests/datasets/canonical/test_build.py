from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lcbench.datasets.canonical.build import united

partitions = st.lists(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("xyz"), max_size=8), max_size=4
)


@given(partitions)
def test_what_any_partition_joins_is_one_group_and_nothing_else(
    found: list[dict[str, str]],
) -> None:
    groups = united(found)
    assert set(groups) == {image for one in found for image in one}
    for one in found:
        for image, group in one.items():
            for other, its in one.items():
                if group == its:
                    assert groups[image] == groups[other]
    # As few joins as there can be: walking along shared groups reaches the whole group.
    for image, name in groups.items():
        reached = {image}
        for _ in groups:
            for one in found:
                seen = {one[member] for member in reached if member in one}
                reached |= {member for member, group in one.items() if group in seen}
        assert reached == {other for other, its in groups.items() if its == name}


def test_groups_are_called_after_their_first_image() -> None:
    assert united([{"b": "1", "a": "1", "c": "2"}]) == {"b": "b", "a": "b", "c": "c"}
    assert united([{"a": "1", "b": "2"}, {"b": "9", "a": "9"}]) == {"a": "a", "b": "a"}
