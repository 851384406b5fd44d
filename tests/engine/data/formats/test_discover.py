"""A path says what data sets it holds; what lies beside them is named, and never run."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.data.annotations import Annotation, Box, Polygon, Tag
from engine.data.formats import FORMATS, LabelledDataset, LabelledImage, read, write
from engine.data.formats.discover import PICTURES, discover, read_found
from engine.data.formats.registry import read_some
from engine.runtime.errors import DatasetError

Lay = Callable[[dict[str, str | bytes]], Path]
SHAPES = {
    "yolo_classify": Annotation(Tag(), 0),
    "mask_index": Annotation(Polygon(((5, 5), (30, 5), (30, 30))), 0),
    "mask_color": Annotation(Polygon(((5, 5), (30, 5), (30, 30))), 0),
    "coco_panoptic": Annotation(Polygon(((5, 5), (30, 5), (30, 30))), 0),
}
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    "categories": [{"id": 1, "name": "nut"}],
}
YAML = "train: images\nval: images\nnames: [nut]\n"


def sample(picture: Path, format: str) -> LabelledDataset:
    label = SHAPES.get(format, Annotation(Box(5, 5, 25, 30), 0))
    image = LabelledImage(picture, 60, 40, "train", (label,))
    return LabelledDataset({0: "nut"}, [image])


@pytest.mark.parametrize("format", [entry.name for entry in FORMATS])
def test_every_format_is_recognised_by_its_folder(
    format: str, picture: Path, tmp_path: Path
) -> None:
    write(sample(picture, format), tmp_path / "set", format)
    (found,) = discover(tmp_path / "set").found
    assert (found.path, found.format) == (tmp_path / "set", format)
    assert read_found(found).annotation_count == 1


def test_a_folder_of_several_sets_names_each(picture: Path, tmp_path: Path) -> None:
    names = ["coco", "dota", "labelme", "mot", "voc", "yolo"]
    for name in names:
        write(sample(picture, name), tmp_path / "all" / name, name)
    found = discover(tmp_path / "all").found
    assert [(f.path.name, f.format) for f in found] == [(name, name) for name in names]


def test_two_formats_in_one_folder(lay: Lay) -> None:
    text = "0 0.5 0.5 0.2 0.2\n"
    folder = lay(
        {
            "a.png": "",
            "images/b.png": "",
            "labels/b.txt": text,
            "data.yaml": YAML,
            "coco.json": json.dumps(COCO),
        }
    )
    found = discover(folder).found
    assert [(f.path.name, f.format) for f in found] == [
        (folder.name, "yolo"),
        (folder.name, "coco"),
    ]


def test_several_descriptions_of_one_folder_are_each_found(lay: Lay) -> None:
    files: dict[str, str | bytes] = {"images/a.png": "", "one.yaml": YAML, "two.yaml": YAML}
    found = discover(lay(files)).found
    assert [(f.path.name, f.format) for f in found] == [("one.yaml", "yolo"), ("two.yaml", "yolo")]


def test_pictures_alone_wait_for_labels(lay: Lay) -> None:
    folder = lay({"val/a.png": "", "val/b.png": b"\x89PNG cut", "notes.txt": "x"})
    (found,) = discover(folder).found
    assert found.format == PICTURES
    dataset = read_found(found)
    (image,) = dataset.images
    assert (image.annotations, image.split, image.width) == (None, "val", 60)
    assert [p.file.name for p in dataset.skipped] == ["b.png"]


def test_links_in_circles_end(lay: Lay) -> None:
    folder = lay({"a.png": "", "deep/b.png": ""})
    (folder / "deep/up").symlink_to(folder)
    (found,) = discover(folder).found
    assert found.format == PICTURES


def test_folders_are_passed_over_on_request(lay: Lay) -> None:
    folder = lay({"a.png": "", "inner/data.yaml": YAML, "inner/images/a.png": ""})
    assert [f.format for f in discover(folder).found] == ["yolo"]
    assert [f.format for f in discover(folder, lambda p: p.name == "inner").found] == [PICTURES]


def test_nothing_and_nowhere(tmp_path: Path) -> None:
    assert discover(tmp_path).found == []
    with pytest.raises(DatasetError, match="does not exist"):
        discover(tmp_path / "gone")


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch /tmp/STUDIO_NEVER",)


def packed(kind: str, names: dict[str, str]) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive:
            for name in names:
                archive.writestr(name, "x")
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, link in names.items():
            member = tarfile.TarInfo(name)
            if link:
                member.type, member.linkname = tarfile.SYMTYPE, link
            archive.addfile(member)
    return out.getvalue()


def zipped_pickle() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(_Bomb()))
    return out.getvalue()


def array(value: object, allow: bool) -> bytes:
    out = io.BytesIO()
    np.save(out, np.array(value, dtype=object if allow else None), allow_pickle=allow)
    return out.getvalue()


STRANGERS = {
    "good.zip": (packed("zip", {"images/a.png": ""}), "unpack it and import"),
    "slip.zip": (packed("zip", {"../../STUDIO_X": "", "a": ""}), "1 of its entries"),
    "absolute.zip": (packed("zip", {"/tmp/STUDIO_X": "", "C:\\x": ""}), "2 of its entries"),
    "through.tar.gz": (packed("tar", {"d": "/tmp", "d/STUDIO_X": ""}), "would be written outside"),
    "broken.zip": (b"PK\x03\x04 nothing", "archive"),
    "bomb.pt": (pickle.dumps(_Bomb()), "would run code when it is loaded (posix.system)"),
    "bomb_zip.pt": (zipped_pickle(), "posix.system"),
    "bomb.npy": (array([_Bomb()], True), "posix.system"),
    "plain.npy": (array([1.5, 2.5], False), "no data set"),
    "empty.mp4": (b"", "cannot be read as video"),
    "text.mp4": (b"no video at all", "cannot be read as video"),
    "deep.json": (b"[" * 200_000, "nested too deeply"),
    "cut.json": (b'{"images": [', "not valid JSON"),
    "empty.json": (b"", "empty"),
    "list.json": (b"[1, 2]", "no data set"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_data_set_is_named_and_not_run(name: str, lay: Lay) -> None:
    data, words = STRANGERS[name]
    folder = lay({"x/y.txt": "-"})
    (folder / name).write_bytes(data)
    result = discover(folder)
    problems = [str(p) for p in result.others]
    for found in result.found:  # what looks like a set at its beginning is refused when it is read
        with pytest.raises(DatasetError) as refused:
            read_found(found)
        problems.append(str(refused.value))
    assert any(words in text and name in text for text in problems), problems
    assert not Path("/tmp/STUDIO_NEVER").exists()
    assert not list(folder.rglob("STUDIO_*"))


@pytest.mark.parametrize("format", [entry.name for entry in FORMATS if entry.is_file_a_picture])
def test_some_files_of_a_folder_are_read_together(
    format: str, dataset_of: Callable[..., LabelledDataset], tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    dataset = dataset_of(Annotation(Box(10, 10, 30, 30), 0))
    dataset.images *= 3
    write(dataset, folder, format)
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".xml"))
    whole, some = read(folder, format), read_some(folder, files[:2], format)
    assert (some.format, len(whole.images), len(some.images)) == (format, 3, 2)
    assert all(image in whole.images for image in some.images)


def test_a_file_of_many_pictures_is_not_read_as_one_of_many(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="many pictures"):
        read_some(tmp_path, [tmp_path / "a.json"], "coco")
