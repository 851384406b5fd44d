"""Classification data sets as people have them: split folders, bare class folders, a data.yaml, lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.class_folders import (
    ClassFolders,
    class_folders,
    drawn_for_validation,
    find_class_images,
    read_classify_data,
)
from engine.runtime.errors import DatasetError
from engine.runtime.settings import settings


def make(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def found(data, split: str) -> dict[str, int]:
    files, classes, _ = find_class_images(data[split], data["folders"], data["seed"])
    return {file.name: number for file, number in zip(files, classes, strict=True)}


@pytest.mark.parametrize("val", ["val", "valid", "validation"])
def test_folders_of_splits(tmp_path, val):
    make(tmp_path, "train/b/1.jpg", "train/a/2.jpg", f"{val}/a/3.jpg", "test/b/4.png")
    data = read_classify_data(tmp_path)
    assert data["names"] == {0: "a", 1: "b"}
    assert (data["nc"], data["path"], data["yaml_file"]) == (2, tmp_path, None)
    assert found(data, "train") == {"1.jpg": 1, "2.jpg": 0}
    assert found(data, "val") == {"3.jpg": 0}
    assert found(data, "test") == {"4.png": 1}


def test_a_missing_split_is_none(tmp_path):
    make(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "test/a/2.jpg")
    data = read_classify_data(tmp_path)
    assert data["val"] is None
    assert found(data, "train") == {"1.jpg": 1}  # the test split keeps the training whole


def test_a_data_set_is_found_by_its_name(tmp_path, monkeypatch):
    make(tmp_path / "sets" / "flowers", "train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg")
    settings.update(datasets_dir=str(tmp_path / "sets"))
    monkeypatch.chdir(tmp_path)
    assert read_classify_data("flowers")["path"] == tmp_path / "sets" / "flowers"


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(
        DatasetError, match=r"nowhere: The data set does not exist.*one folder a class"
    ):
        read_classify_data(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="no class folders"):
        read_classify_data(make(tmp_path, "train/1.jpg"))
    with pytest.raises(DatasetError, match=r"received a file \.jpg"):
        read_classify_data(tmp_path / "train" / "1.jpg")


def test_bare_class_folders_are_divided(tmp_path):
    make(tmp_path, *(f"{name}/{i}_{name}.jpg" for name in "abc" for i in range(20)), "d/only.jpg")
    data = read_classify_data(tmp_path)
    train, val = found(data, "train"), found(data, "val")
    assert not set(train) & set(val)
    assert len(train) + len(val) == 61
    assert [sum(n == i for n in val.values()) for i in range(4)] == [4, 4, 4, 0]
    assert train["only.jpg"] == 3


def test_the_division_is_the_same_elsewhere_and_moves_little(tmp_path):
    names = [f"{i}.jpg" for i in range(50)]
    here = [tmp_path / "a" / name for name in names]
    there = [Path("/elsewhere/a") / name for name in names]
    drawn = drawn_for_validation(here, [0] * 50)
    assert len(drawn) == 10
    assert drawn_for_validation(there, [0] * 50) == drawn
    assert drawn_for_validation(here, [0] * 50, seed=1) != drawn
    more = [*here, *(tmp_path / "a" / f"new{i}.jpg" for i in range(5))]
    stayed = drawn & drawn_for_validation(more, [0] * 55)
    assert len(stayed) >= 8


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        ("{0: b, 1: a}", {"1.jpg": 1, "2.jpg": 0}),  # the file's numbers, not the alphabet's
        ("{0: tench, 1: goldfish}", {"1.jpg": 0, "2.jpg": 1}),  # folders of codes, in their order
    ],
)
def test_names_of_a_yaml(tmp_path, names, numbers):
    make(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg")
    (tmp_path / "data.yaml").write_text(f"path: .\ntrain: train\nval: val\nnames: {names}\n")
    for place in (tmp_path, tmp_path / "data.yaml"):
        assert found(read_classify_data(place), "train") == numbers


def test_names_that_fit_no_folder_are_refused(tmp_path):
    make(tmp_path, "train/a/1.jpg", "train/b/2.jpg")
    (tmp_path / "data.yaml").write_text("path: .\ntrain: train\nnames: [x, y, z]\n")
    with pytest.raises(DatasetError, match="3 names fit none of the 2 class folders"):
        read_classify_data(tmp_path)


def test_pictures_outside_of_class_folders_are_told(tmp_path):
    make(tmp_path, "train/a/1.jpg", "train/a/deeper/5.jpg", "train/b/2.jpg", "train/loose.jpg")
    make(tmp_path, "val/a/3.jpg", "val/new/4.jpg", "val/new/6.jpg")
    data = read_classify_data(tmp_path)
    assert found(data, "train") == {"1.jpg": 0, "5.jpg": 0, "2.jpg": 1}
    problems = find_class_images(data["val"], data["folders"])[2]
    assert [(p.file.name, p.reason.split(" images")[0]) for p in problems] == [("new", "2")]


def test_list_files(tmp_path):
    make(tmp_path, "pool/a/1.jpg", "pool/b/2.jpg", "pool/b/3.jpg")
    (tmp_path / "train.txt").write_text("pool/a/1.jpg\npool/b/2.jpg\n")
    (tmp_path / "val.txt").write_text("pool/b/3.jpg\n")
    (tmp_path / "data.yaml").write_text("train: train.txt\nval: val.txt\nnames: [a, b]\n")
    data = read_classify_data(tmp_path)
    assert found(data, "train") == {"1.jpg": 0, "2.jpg": 1}
    assert found(data, "val") == {"3.jpg": 1}
    assert class_folders([tmp_path / "train.txt"]) == ["a", "b"]


def test_a_split_is_a_path_to_whoever_asks(tmp_path):
    split = ClassFolders((tmp_path / "x",), "val")
    assert Path(split) == tmp_path / "x"
    assert str(split).endswith("x (val part)")
