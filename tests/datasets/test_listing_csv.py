import pytest

from lcbench.datasets.labels import LabelReader
from lcbench.datasets.listing import decode_all, list_images
from lcbench.errors import UserError
from lcbench.taxonomy import load_taxonomy

READER = LabelReader(load_taxonomy())


def write_csv(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_csv_names_images_by_relative_and_absolute_paths(tmp_path, write_images):
    write_images(tmp_path / "elsewhere", {"x": 1})
    write_images(tmp_path / "data", {"sub folder": 1})
    absolute = tmp_path / "elsewhere" / "x" / "000.png"
    text = f"label,image\nLUAD,{absolute}\nNormal,sub folder/000.png\n"
    made = decode_all(list_images(write_csv(tmp_path / "data", text), READER))
    assert made["image"].tolist() == [absolute.as_posix(), "sub folder/000.png"]
    assert made["label"].tolist() == ["adenocarcinoma", "benign"]
    assert made["problem"].tolist() == ["", ""]


def test_a_csv_may_have_groups_a_byte_order_mark_quotes_and_a_loud_suffix(tmp_path):
    text = '\ufeffimage,label,group,x\n"b,1.png",normal,007,1\na.png,aca,NA,2\nc.png,scc\n'
    path = write_csv(tmp_path, text).rename(tmp_path / "DATA.CSV")
    rows = list_images(path, READER).rows
    assert rows["image"].tolist() == ["a.png", "b,1.png", "c.png"]
    assert rows["group"].tolist() == ["NA", "007", ""]


def test_an_image_that_a_csv_names_and_that_is_not_there_is_a_problem(tmp_path):
    path = write_csv(tmp_path, "image,label\nabsent.png,normal\n.,normal\n")
    made = decode_all(list_images(path, READER)).set_index("image")
    assert "No such file" in made.loc["absent.png", "problem"]
    assert made.loc[".", "problem"] != ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image\na.png\n", "missing columns: label"),
        ("file;label\na.png;x\n", "missing columns: image, label"),
        ("image,label\na.png,normal\na.png,aca\n", "listed twice, e.g. a.png"),
        ("image,label\nd/a.png,what\nd//a.png,what\n", "listed twice, e.g. d/a.png"),
        ("image,label\n", "no images found"),
        ("", "not a readable CSV"),
        (b"image,label\n\xff\xfe\x00", "not a readable CSV"),
        ('image,label\n"a.png,normal\n', "not a readable CSV"),
    ],
)
def test_a_csv_that_is_no_list_of_images_is_refused_by_reason(tmp_path, text, words):
    path = write_csv(tmp_path, text)
    with pytest.raises(UserError) as raised:
        list_images(path, READER)
    assert str(path) in raised.value.message
    assert words in raised.value.message
