"""Masks by number and by colour: where they lie, what their values mean, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data.semantic_masks import IGNORED, mask_files
from engine.runtime.errors import DatasetError, ImageError

NAMES = {0: "sky", 1: "road", 2: "car"}
VALUES = np.array([[0, 1, 2], [7, 255, 1]], np.uint8)


def description(root: Path, **entries: object) -> dict[str, object]:
    return {"path": root, "yaml_file": root / "data.yaml", "names": NAMES, **entries}


@pytest.fixture
def save(tmp_path):
    def write(values: np.ndarray, mode: str | None = None, name: str = "mask.png") -> Path:
        image = Image.fromarray(values)
        if mode == "P":
            image.putpalette([i * 5 % 256 for i in range(768)])
        image.save(tmp_path / name)
        return tmp_path / name

    return write


def test_without_masks_polygons_are_meant(tmp_path):
    assert mask_files(description(tmp_path)) is None


@pytest.mark.parametrize("kind", ["grey", "palette", "rgb", "16 bit", "tiff"])
def test_class_numbers_are_read_from_every_kind_of_file(kind, save, tmp_path):
    write = {
        "grey": lambda: save(VALUES),
        "palette": lambda: save(VALUES, "P"),
        "rgb": lambda: save(np.repeat(VALUES[..., None], 3, 2)),
        "16 bit": lambda: save(VALUES.astype(np.uint16)),
        "tiff": lambda: save(VALUES, name="mask.tif"),
    }
    found = mask_files(description(tmp_path, masks_dir="masks")).read(write[kind]())
    assert found.classes.tolist() == [[0, 1, 2], [IGNORED, IGNORED, 1]]
    assert found.unknown == {"7": 1}
    assert found.classes.dtype == np.uint8


def test_two_valued_mask_has_classes_0_and_1(save, tmp_path):
    masks = mask_files(description(tmp_path, masks_dir="masks"))
    assert masks.read(save(VALUES == 1)).classes.tolist() == [[0, 1, 0], [0, 0, 1]]


def test_label_mapping_turns_values_into_classes_and_leaves_the_rest(save, tmp_path):
    mapping = {7: 2, 2: "ignore_label", "1": "sky", -1: "ignore_label", 300: "car"}
    masks = mask_files(description(tmp_path, label_mapping=mapping))
    found = masks.read(save(VALUES))
    assert found.classes.tolist() == [[0, 0, IGNORED], [2, IGNORED, 0]]
    assert found.unknown == {}
    assert masks.read(save(np.array([[300, 301]], np.uint16))).classes.tolist() == [[2, IGNORED]]


@pytest.mark.parametrize(
    "colors",
    [
        {"sky": [0, 0, 255], "road": "#808080", "car": [[255, 0, 0], [200, 0, 0]]},
        {0: [0, 0, 255], 1: [128, 128, 128], 2: [[255, 0, 0], [200, 0, 0]], 255: [0, 0, 0]},
        [[0, 0, 255], [128, 128, 128], [[255, 0, 0], [200, 0, 0]]],
    ],
    ids=["names", "numbers", "list"],
)
def test_colors_are_classes(colors, save, tmp_path):
    rgb = [[[0, 0, 255], [128, 128, 128]], [[255, 0, 0], [200, 0, 0]], [[0, 0, 0], [1, 2, 3]]]
    masks = mask_files(description(tmp_path, colors=colors))
    found = masks.read(save(np.array(rgb, np.uint8)))
    assert found.classes.tolist() == [[0, 1], [2, 2], [IGNORED, IGNORED]]
    black = {} if isinstance(colors, dict) and 255 in colors else {"#000000": 1}
    assert found.unknown == {**black, "#010203": 1}


def test_colors_of_a_palette_count_not_its_numbers(save, tmp_path):
    masks = mask_files(description(tmp_path, colors=[[0, 5, 10], [15, 20, 25]]))
    assert masks.read(save(np.array([[1, 0]], np.uint8), "P")).classes.tolist() == [[1, 0]]


def test_mask_lies_where_images_is_replaced(tmp_path):
    masks = mask_files(description(tmp_path, masks_dir="annotations/png"))
    for image, mask in (
        ("images/train/a.jpg", "annotations/png/train/a.png"),
        ("city/images/b.jpg", "city/annotations/png/b.tif"),
        ("train/c.jpg", "annotations/png/train/c.png"),
        ("deep/images/x/d.jpg", "annotations/png/x/d.png"),
        ("elsewhere/e.jpg", "annotations/png/e.png"),
    ):
        (tmp_path / mask).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / mask).touch()
        assert masks.find(tmp_path / image) == tmp_path / mask
    assert masks.find(tmp_path / "images/train/none.jpg") is None


def test_masks_dir_may_be_absolute(tmp_path):
    masks = mask_files(description(tmp_path / "data", masks_dir=str(tmp_path / "far")))
    (tmp_path / "far" / "train").mkdir(parents=True)
    (tmp_path / "far" / "train" / "a.png").touch()
    found = masks.find(tmp_path / "data" / "images" / "train" / "a.jpg")
    assert found == tmp_path / "far" / "train" / "a.png"


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"masks_dir": 3}, "masks_dir"),
        ({"label_mapping": [1, 2]}, "label_mapping"),
        ({"label_mapping": {"a": 1}}, "'a'"),
        ({"label_mapping": {4: 9}}, "9"),
        ({"colors": "red"}, "colors"),
        ({"colors": {}}, "no colour"),
        ({"colors": {0: [1, 2]}}, r"\[1, 2\]"),
        ({"colors": {0: "#xyzxyz"}}, "xyz"),
        ({"colors": {0: [1, 2, 3], 1: [1, 2, 3]}}, "two classes"),
        ({"colors": {5: [1, 2, 3]}}, "5"),
        ({"colors": [[1, 2, 3]], "label_mapping": {1: 0}}, "both"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_file(entries, word, tmp_path):
    with pytest.raises(DatasetError, match=word) as caught:
        mask_files(description(tmp_path, **entries))
    assert caught.value.path == tmp_path / "data.yaml"


def test_too_many_classes_for_a_byte_are_refused(tmp_path):
    data = description(tmp_path, masks_dir="masks") | {"names": dict.fromkeys(range(256), "x")}
    with pytest.raises(DatasetError, match="255"):
        mask_files(data)


def test_files_that_are_no_masks_say_so(save, tmp_path):
    masks = mask_files(description(tmp_path, masks_dir="masks"))
    colored = np.zeros((2, 2, 3), np.uint8)
    colored[..., 1] = 9
    with pytest.raises(ImageError, match="colors"):
        masks.read(save(colored))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ImageError, match="no image"):
        masks.read(tmp_path / "text.png")
    whole = save(np.random.default_rng(0).integers(0, 3, (90, 90), dtype=np.uint8)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match="damaged"):
        masks.read(tmp_path / "cut.png")
    with pytest.raises(ImageError, match="exist"):
        masks.read(tmp_path / "none.png")
