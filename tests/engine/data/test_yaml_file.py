from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.yaml_file import read_data_yaml, require_split, write_data_yaml
from engine.runtime.errors import DatasetError
from engine.runtime.settings import settings


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images/train").mkdir(parents=True)
    return tmp_path


def write(folder, text):
    path = folder / "data.yaml"
    path.write_text(text)
    return path


GOOD = "path: .\ntrain: images/train\nval: images/train\n"


def test_what_a_good_file_gives(folder):
    data = read_data_yaml(write(folder, GOOD + "names: [moto, person]\nauthor: me\n"))
    train = folder / "images/train"
    assert data["names"] == {0: "moto", 1: "person"}
    assert (data["nc"], data["channels"], data["author"]) == (2, 3, "me")
    assert (data["path"], data["train"], data["val"], data["test"]) == (
        folder,
        [train],
        [train],
        [],
    )
    assert data["yaml_file"] == folder / "data.yaml"
    assert read_data_yaml(folder) == data
    with pytest.raises(DatasetError, match="no 'test' split"):
        require_split(data, "test")
    assert require_split(data, "val") == [train]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "is empty", None),
        ("- 1\n- 2\n", "holds list", None),
        (GOOD, "no class names", None),
        (GOOD + "nc: 5\nnames: [moto, person]\n", "5 classes but 'names' has 2", None),
        (GOOD + "nc: many\n", "whole number", None),
        (GOOD + "names: {0: moto, 2: person}\n", "gap: 1 is missing", None),
        (GOOD + "names: [moto, moto]\n", "0 and 1 are both called 'moto'", None),
        (GOOD + "names: [yes, b]\n", "class 0 is not text: YAML reads True", None),
        (GOOD + "names: [a, 2020-01-01]\n", "class 1 is not text", None),
        (GOOD + "names: {a: 0}\n", "'a' is not a whole number", None),
        (GOOD + "names: 3\n", "must be a list", None),
        ("train: images/no\nnames: [a]\n", "images/no does not exist", None),
        ("path: /home/alice/x\ntrain: images/train\nnames: [a]\n", "write 'path: .'", None),
        ("path: x\ntrain: t\nnames: [a]\ndownload: |\n  boom\n", "never run", None),
        ("path: ../../../../..\ntrain: etc\nnames: [a]\n", "climbs 5 folders", None),
        ("path: .\ntrain: ../../../../etc\nnames: [a]\n", "climbs out", None),
        ("path: [1]\ntrain: t\nnames: [a]\n", "'path' must be a folder", None),
        ("train: 3\nnames: [a]\n", "'train' must be a folder", None),
        ("names: [a]\n", "neither train nor val", None),
        (GOOD + "names:\n\t0: moto\n", "tab", 5),
        (GOOD + "names: [a\n", "Not valid YAML", 5),
        (GOOD + "names: !!python/tuple [a]\n", "tag !!python/tuple is refused", 4),
        (GOOD + "names: [a]\nchannels: 2\n", "'channels' must be 1", None),
    ],
)
def test_each_fault_is_one_sentence_with_its_place(folder, text, message, line):
    path = write(folder, text)
    with pytest.raises(DatasetError, match=message.replace("(", r"\(")) as caught:
        read_data_yaml(path)
    assert caught.value.path == path
    assert caught.value.line == line


def test_python_tags_are_not_run(folder):
    bomb = folder / "bomb"
    path = write(folder, f'{GOOD}names: !!python/object/apply:builtins.open ["{bomb}", "w"]\n')
    with pytest.raises(DatasetError, match=r"!!python/object/apply:builtins\.open"):
        read_data_yaml(path)
    assert not bomb.exists()


def test_alias_bomb_is_refused_at_once(folder):
    levels = [
        f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]"
        for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    ]
    path = write(folder, "\n".join(["a: &a [x]", *levels, GOOD, "names: *j\n"]))
    with pytest.raises(DatasetError, match="class 0 is not text") as caught:
        read_data_yaml(path)
    assert len(str(caught.value)) < 600


def test_repeated_folders_count_once(folder):
    data = read_data_yaml(write(folder, "train: [images/train, ./images/train]\nnames: [a]\n"))
    assert data["train"] == [folder / "images/train"]


def test_missing_file_and_folder_without_yaml(tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        read_data_yaml(tmp_path / "none.yaml")
    with pytest.raises(DatasetError, match="found 0"):
        read_data_yaml(tmp_path)


def test_writing_and_reading_agree(folder):
    names = {1: "Größe", 0: "yes"}
    write_data_yaml(
        folder / "data.yaml", names, {"train": "images/train"}, extra={"kpt_shape": [2, 3]}
    )
    data = read_data_yaml(folder)
    assert data["names"] == {0: "yes", 1: "Größe"}
    assert data["kpt_shape"] == [2, 3]


VARIANTS = {
    "absolute_other": "write 'path: .'",
    "climbs_out": "climbs",
    "download_script": "never run",
    "empty": "is empty",
    "missing_dir": "does not exist",
    "names_dup": "both called",
    "names_gap": "gap",
    "names_not_str": "not text",
    "nc_mismatch": "5 classes but",
    "no_names": "no class names",
    "tab_indent": "tab",
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_of_the_manifest(shared_dir, name):
    with pytest.raises(DatasetError, match=VARIANTS[name]):
        read_data_yaml(shared_dir / "datasets/formats/bad/34-data-yaml-variants" / f"{name}.yaml")
    assert not Path("/tmp/STUDIO_YAML_DOWNLOAD").exists()


@pytest.mark.parametrize(
    "name", ["22-yaml-python-tag/data", "22-yaml-python-tag/tuple", "23-yaml-alias-bomb/data"]
)
def test_hostile_files_of_the_manifest(shared_dir, name):
    with pytest.raises(DatasetError):
        read_data_yaml(shared_dir / "datasets/formats/bad" / f"{name}.yaml")
    assert not Path("/tmp/STUDIO_YAML_BOMB").exists()


def test_relative_root_is_beside_the_file_or_in_the_datasets_folder(tmp_path):
    file = write(tmp_path, "path: parts\ntrain: images\nnames: [a]\n")
    kept = tmp_path / "kept"
    settings.update({"datasets_dir": kept})
    with pytest.raises(DatasetError, match="does not exist"):
        read_data_yaml(file)
    (kept / "parts" / "images").mkdir(parents=True)
    assert read_data_yaml(file)["train"] == [kept / "parts" / "images"]
    (tmp_path / "parts" / "images").mkdir(parents=True)
    assert read_data_yaml(file)["train"] == [tmp_path / "parts" / "images"]


DOWNLOADED = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnames: [a]\n"


@pytest.fixture
def downloaded(tmp_path):
    """Return a folder laid out as data sets are offered for download, with what its YAML file says of it."""
    for split in ("train", "valid", "test"):
        (tmp_path / "set" / split / "images").mkdir(parents=True)
    return tmp_path / "set"


def test_folders_beside_the_file_are_taken_where_they_are_written_one_above(downloaded, caplog):
    data = read_data_yaml(write(downloaded, DOWNLOADED))
    for split, name in (("train", "train"), ("val", "valid"), ("test", "test")):
        assert data[split] == [downloaded / name / "images"] == require_split(data, split)
        assert str(downloaded.parent / name / "images") in caplog.text  # as it is written
        assert f"{downloaded / name / 'images'} beside the file is taken" in caplog.text


def test_what_exists_as_it_is_written_stays(downloaded, caplog):
    (downloaded.parent / "train" / "images").mkdir(parents=True)
    data = read_data_yaml(write(downloaded, DOWNLOADED))
    assert data["train"] == [downloaded.parent / "train" / "images"]
    assert data["val"] == [downloaded / "valid" / "images"]
    assert "'train:" not in caplog.text


@pytest.mark.parametrize(
    ("val", "there"),
    [
        ("../val/images", "valid/images"),
        ("images/val", "valid/images"),
        ("/home/alice/set/test/images", "test/images"),
    ],
)
def test_an_error_names_a_folder_that_may_be_meant(downloaded, val, there):
    text = f"train: ../train/images\nval: {val}\nnames: [a]\n"
    with pytest.raises(DatasetError, match=f"does not exist. {there} lies beside this file"):
        read_data_yaml(write(downloaded, text))


def test_an_error_names_no_folder_where_none_is(tmp_path):
    with pytest.raises(DatasetError, match="Correct 'path' or 'train'") as caught:
        read_data_yaml(write(tmp_path, DOWNLOADED))
    assert "lies beside" not in str(caught.value)


def test_a_pattern_is_said_to_be_none(folder):
    described = write(folder, "path: .\ntrain: images/tr*\nval: images/train\nnc: 1\n")
    with pytest.raises(DatasetError, match="not there") as refused:
        require_split(read_data_yaml(described), "train")
    assert "patterns with * are not looked for" in refused.value.remedy
