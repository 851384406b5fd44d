"""Data sets that everybody knows by name: described here, fetched when they are first used."""

from __future__ import annotations

import io
import zipfile

import pytest

from engine.data import yaml_file
from engine.data.fetch import open_data_yaml
from engine.data.yaml_file import DATASETS_DIR, locate_data_yaml
from engine.runtime.errors import DatasetError, DownloadError
from engine.runtime.settings import settings

NAMES = sorted(file.name for file in DATASETS_DIR.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_sound_description_whose_archive_has_its_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file, data = locate_data_yaml(name)
    assert file == DATASETS_DIR / name
    assert sorted(data["names"]) == list(range(len(data["names"])))
    assert len(set(data["names"].values())) == {"coco8-pose.yaml": 1, "dota8.yaml": 15}.get(
        name, 80
    )
    assert data["download"].endswith(f"/{name.removesuffix('.yaml')}.zip")
    with pytest.raises(DownloadError):  # the tests are offline
        open_data_yaml(name)


def test_a_file_of_the_same_name_in_the_working_folder_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "coco8.yaml").write_text("train: a\nval: a\nnames: [mine]\n")
    assert locate_data_yaml("coco8.yaml")[1]["names"] == ["mine"]


def test_a_path_is_no_name(tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        locate_data_yaml(tmp_path / "coco8.yaml")


def test_a_name_is_fetched_into_the_folder_of_data_sets(tmp_path, file_server, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings.update({"datasets_dir": str(tmp_path / "sets")})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for split in ("train", "val"):
            archive.writestr(f"coco8/images/{split}/1.jpg", b"picture")
    file_server.files["/coco8.zip"] = packed.getvalue()
    here = tmp_path / "described"
    here.mkdir()
    text = (DATASETS_DIR / "coco8.yaml").read_text()
    address = next(line for line in text.splitlines() if line.startswith("download:"))
    (here / "coco8.yaml").write_text(
        text.replace(address, f"download: {file_server.url}/coco8.zip")
    )
    monkeypatch.setattr(yaml_file, "DATASETS_DIR", here)
    data = open_data_yaml("coco8.yaml")
    assert data["train"] == [tmp_path / "sets" / "coco8" / "images" / "train"]
    assert (data["train"][0] / "1.jpg").read_bytes() == b"picture"
