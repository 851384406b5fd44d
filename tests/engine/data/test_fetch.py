from __future__ import annotations

import io
import shutil
import zipfile

import pytest

from engine.data.fetch import open_data_yaml
from engine.data.yaml_file import read_data_yaml
from engine.runtime.errors import DatasetError, DownloadError
from engine.runtime.settings import settings


def zipped(dataset, top=""):
    """The archive of a data set's folder, below ``top``."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for file in sorted(dataset.rglob("*")):
            archive.write(file, f"{top}{file.relative_to(dataset).as_posix()}")
    return memory.getvalue()


@pytest.fixture
def written(tmp_path, parts_dataset, file_server, monkeypatch):
    """Write a description whose images are in an archive on a server."""

    monkeypatch.chdir(tmp_path)  # relative settings start here

    def write(path="parts", top="parts/", name="parts.zip", extra=""):
        file_server.files[f"/{name}"] = zipped(parts_dataset.parent, top)
        root = f"path: {path}\n" if path else ""
        text = f"{root}train: images/train\nval: images/val\nnames: [a, b, c]\n{extra}"
        file = tmp_path / "here" / "set.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{text}download: {file_server.url}/{name}\n")
        return file

    return write


@pytest.mark.parametrize("top", ["", "parts/", "else/"])
def test_missing_images_are_fetched_once_into_the_folder_of_data_sets(written, file_server, top):
    file = written(top=top)
    data = open_data_yaml(file)
    root = settings.folder("datasets_dir") / "parts"
    assert data["train"] == [root / "images/train"]
    assert len(list((root / "images/train").iterdir())) == 12
    assert (root / "labels/train").is_dir()
    asked = len(file_server.seen)
    assert open_data_yaml(file) == data
    assert len(file_server.seen) == asked
    assert [p.name for p in root.parent.iterdir() if p.name.startswith(".")] == []


def test_without_path_they_lie_beside_the_file_and_nothing_there_is_replaced(written):
    file = written(path="")
    (file.parent / "labels").mkdir()
    (file.parent / "labels" / "mine.txt").write_text("mine")
    assert open_data_yaml(file)["val"] == [file.parent / "images/val"]
    assert [p.name for p in (file.parent / "labels").iterdir()] == ["mine.txt"]


@pytest.fixture
def climbing(written):
    """A description that writes ../train for what lies beside it, as many that are offered for download do."""

    def write(path="", top=""):
        file = written(path=path, top=top)
        file.write_text(file.read_text().replace(": images/", ": ../images/"))
        return file

    return write


@pytest.mark.parametrize("path", ["", "."])
def test_what_lies_beside_the_file_is_not_fetched_though_it_is_written_as_above(
    climbing, parts_dataset, file_server, path
):
    file = climbing(path)
    shutil.copytree(parts_dataset.parent / "images", file.parent / "images")
    shutil.copytree(parts_dataset.parent / "labels", file.parent / "labels")
    assert open_data_yaml(file)["train"] == [file.parent / "images/train"]
    assert file_server.seen == []


@pytest.mark.parametrize("top", ["", "parts/"])
def test_what_is_written_as_above_is_found_in_the_archive(climbing, file_server, top):
    file = climbing(top=top)
    assert open_data_yaml(file)["val"] == [file.parent / "images/val"]
    asked = len(file_server.seen)
    assert asked
    open_data_yaml(file)
    assert len(file_server.seen) == asked


def test_reading_alone_fetches_nothing(written, file_server):
    with pytest.raises(DatasetError, match="training or validation fetches them"):
        read_data_yaml(written())
    assert file_server.seen == []


def test_scripts_and_other_files_are_refused(tmp_path, written, file_server):
    file = tmp_path / "script.yaml"
    file.write_text(
        "path: x\ntrain: t\nval: t\nnames: [a]\ndownload: |\n  import os\n  os.mkdir('boom')\n"
    )
    with pytest.raises(DatasetError, match="never run"):
        open_data_yaml(file)
    with pytest.raises(DatasetError, match="zip or tar"):
        open_data_yaml(written(name="install.sh"))
    assert file_server.seen == []


def test_an_archive_of_something_else_changes_nothing(written, tmp_path):
    file = written(extra="nc: 3\n")
    file.write_text(file.read_text().replace("images/", "pictures/"))
    with pytest.raises(DatasetError, match="does not hold pictures/train"):
        open_data_yaml(file)
    assert not (settings.folder("datasets_dir") / "parts").exists()


def test_a_path_that_climbs_and_an_address_that_fails_are_told(written, file_server):
    with pytest.raises(DatasetError, match=r"without '\.\.'"):
        open_data_yaml(written(path="../../out"))
    file = written()
    file_server.files.clear()
    with pytest.raises(DownloadError):
        open_data_yaml(file)
