import re

from hypothesis import given
from hypothesis import strategies as st

from lcbench.storage.hashes import content_hash, file_sha256

part = st.one_of(st.text(max_size=4), st.binary(max_size=4))


def test_the_hash_of_a_file_is_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")  # the example of FIPS 180-2
    assert (
        file_sha256(tmp_path / "a")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@given(st.lists(part, max_size=4), st.lists(part, max_size=4))
def test_equal_parts_have_equal_hashes_and_others_do_not(one, other):
    def as_bytes(parts):
        return [p.encode() if isinstance(p, str) else p for p in parts]

    same = as_bytes(one) == as_bytes(other)
    assert (content_hash(*one) == content_hash(*other)) is same


@given(st.text(max_size=6), st.integers(0, 6))
def test_where_one_part_ends_and_the_next_begins_is_hashed_too(text, cut):
    cut = min(cut, len(text))
    assert content_hash(text[:cut], text[cut:]) != content_hash(text)
    if cut > 0:
        assert content_hash(text[:cut], text[cut:]) != content_hash("", text)


def test_a_content_hash_is_the_same_in_every_version():
    # Stored splits, caches and reports carry these hashes: another value disowns all of them.
    assert content_hash("image", b"\x00\xff", "") == "7f5be425dad6bdf0"
    assert re.fullmatch(r"[0-9a-f]{16}", content_hash())
