"""Malformed and awkward sets: each says what is wrong with it, its good part comes in, nothing else happens."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from engine.runtime.errors import DatasetError
from studio.storage.dataset_import import ImportReport, import_all
from studio.storage.health import check_health
from studio.storage.import_reading import read_sources
from studio.storage.project_files import create_project

# Folder -> (words of which each must be said, in any letter case; images and shapes that come in, None: any)
EXPECTED: dict[str, tuple[tuple[str, ...], int | None, int | None]] = {
    "01-json-truncated": (("not valid json", "line 1"), 0, 0),
    "02-json-wrong-types": (("annotation 1", "list.json", "null.json", "'categories'"), None, None),
    "03-nan-inf": (("annotation 1", "annotation 3", "line 1", "line 3", "finite"), None, 1),
    "04-class-out-of-range": (("line 1", "line 2", "line 3", "line 4", "99"), 1, 1),
    "05-polygon-under-3-points": (
        ("line 1", "line 3", "read as a box", "box was taken"),
        None,
        None,
    ),
    "06-self-intersecting": (("crosses itself",), None, 2),
    "07-zero-area": (("no area", "annotation 1"), None, 2),
    "08-negative-size": (("swapped",), None, None),
    "09-duplicate-lines": (("line 2", "line 4", "same as line 1"), 1, 2),
    "10-label-without-image": (("ghost.txt", "no image", "ghost.jpg"), 1, None),
    "11-image-without-label": ((), 3, 1),
    "12-corrupt-jpeg": (("cut.jpg", "noise.jpg", "header_only.jpg"), 1, 1),
    "13-zero-byte": (("empty.png", "coco.json", "empty"), 1, 1),
    "14-exif-rotated": ((), 3, 3),
    "15-cmyk-jpeg": ((), 1, 1),
    "16-gray-alpha": ((), 4, 4),
    "17-one-pixel": ((), 2, 2),
    "18-header-bomb": (("bomb_max.png", "header claims"), 0, 0),
    "19-odd-names": (("archive",), 11, 11),
    "20-zip-slip": (("dataset.zip", "dataset.tar.gz", "outside"), 0, 0),
    "21-pickle-bomb-pt": (("would run code", "model_raw.pt", "model_zip.pt", "array.npy"), 0, 0),
    "22-yaml-python-tag": (("python/object/apply", "line 4"), 0, 0),
    "23-yaml-alias-bomb": (("name of class 0",), 0, 0),
    "24-xml-entities": (("broken.xml", "img.xml", "lol.xml"), None, 0),
    "25-symlink-loop": (("archive",), 0, 0),
    "26-text-encodings": (("line 4", "line 5", "decimals with a point"), 2, 2),
    "27-coords-out-of-range": (("cut at the border", "outside", "looks like pixels"), 1, 3),
    "28-size-mismatch": (("1024 x 1280", "256 x 320"), 1, None),
    "29-extension-lies": (("html_named.jpg", "text_named.png", "not an image"), 3, None),
    "30-dangling-and-duplicate-ids": (("id 1", "category 9", "image 77", "'moto'"), 2, 3),
    "31-bad-rle": (("annotation 1", "annotation 5", "1000000000"), 1, 1),
    "32-tiff-variety": (("cut.tif",), None, 0),
    "33-mixed-columns": (("score 0.93", "line 2", "visibility"), None, None),
    "34-data-yaml-variants": (
        (
            "nc' says 5",
            "no class names",
            "gap",
            "both called",
            "not text",
            "climbs",
            "tab",
            "empty",
        ),
        1,
        1,
    ),
    "35-bad-masks": ((), None, None),
    "36-deep-json": (("nested too deeply",), 0, 0),
    "37-same-image-in-both-splits": (("1 image is in both train and val", "differ"), 2, 2),
    "38-broken-video": (("cut.mp4", "zero.mp4", "cannot be read as video"), 0, 0),
}


@pytest.fixture
def bad_dir(shared_dir: Path) -> Path:
    return shared_dir / "datasets/formats/bad"


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def imported(source: Path, folder: Path) -> tuple[ImportReport | None, str]:
    """Import as the command does; return the report and all that was said, in lower case."""
    try:
        sources = read_sources(source)
    except DatasetError as error:
        return None, str(error).lower()
    with create_project(folder) as project:
        report = import_all(project, sources.datasets, problems=sources.problems)
        assert check_health(project).problems == []
        for image_id in project.image_ids():
            for shape in project.shapes(image_id):
                assert all(abs(value) < 1e7 for value in shape.geometry.bounds())
                assert shape.geometry.area() >= 0
    said = [*report.skipped, *report.notes]
    return report, "\n".join(map(str, said)).lower()


def test_every_case_has_a_word_here(bad_dir: Path) -> None:
    manifest = json.loads((bad_dir / "manifest.json").read_text())
    assert [entry["folder"] for entry in manifest] == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_case_says_what_its_manifest_asks_for(
    name: str, bad_dir: Path, tmp_path: Path
) -> None:
    words, images, shapes = EXPECTED[name]
    source = tmp_path / "source" / name
    shutil.copytree(bad_dir / name, source, symlinks=True)
    before = content(source)
    report, said = imported(source, tmp_path / "project")
    assert [word for word in words if word not in said] == [], said
    came_in = (0, 0) if report is None else (report.images, report.annotations)
    assert came_in[0] == images or images is None, said
    assert came_in[1] == shapes or shapes is None, said
    assert "root:" not in said  # what an external entity would have read
    assert content(source) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"source", "project"}
    assert not list(Path("/tmp").glob("STUDIO_*"))


def test_all_of_it_in_one_go(bad_dir: Path, tmp_path: Path) -> None:
    report, said = imported(bad_dir, tmp_path / "project")
    assert report is not None
    assert report.images > 30
    assert report.annotations > 30
    for name, (words, _, _) in EXPECTED.items():
        if words:
            assert name in said
    assert not list(Path("/tmp").glob("STUDIO_*"))
