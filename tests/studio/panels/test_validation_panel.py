"""The validation page with real mouse: classes, curve, confusion, and the objects behind them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QPixmap
from PySide6.QtTest import QTest

from engine.core.validation_record import ValidationRecord
from engine.metrics.label_statistics import label_statistics
from studio.model.seen import SeenImage, SeenObject
from studio.model.validation_cells import Example
from studio.model.validation_report import read_report
from studio.panels.validation.label_view import grouped, heat_image
from studio.panels.validation.panel import ValidationPanel
from studio.storage.version_origins import original_of
from studio.storage.versions import create_version
from studio.widgets.tile_painter import draw_tile
from studio.widgets.tiles import Look, Tile, example_tile, image_tile

LEFT = Qt.MouseButton.LeftButton
NAMES = {0: "square", 1: "circle"}
LOOK = Look({0: "#00FF00", 1: "#0000FF"}, NAMES, "#FF0000")


def seen(class_id: int, box: list[float], score: float | None = None, matched: bool = True) -> dict:
    x1, y1, x2, y2 = box
    ring = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]
    item = {"class_id": class_id, "box": box, "polygon": ring, "matched": matched}
    return item if score is None else {**item, "score": score}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A validation of two images: one right, one with a square taken for a circle and one missed."""
    folder = tmp_path / "validation"
    folder.mkdir()
    files = []
    for number in range(2):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), np.full((60, 80, 3), 128, np.uint8))
        files.append(str(path))
    right = {"file": files[0], "width": 80, "height": 60,
             "ground_truth": [seen(0, [10, 10, 30, 30])],
             "predictions": [seen(0, [10, 10, 30, 30], 0.9)]}  # fmt: skip
    wrong = {"file": files[1], "width": 80, "height": 60,
             "ground_truth": [seen(0, [10, 10, 30, 30], matched=False), seen(1, [50, 20, 70, 50], matched=False)],
             "predictions": [seen(1, [10, 10, 30, 30], 0.8, matched=False)]}  # fmt: skip
    rows = [
        {"class_id": n, "name": name, "images": 2 - n, "instances": 2 - n,
         "box": {"precision": 0.5, "recall": 0.5, "ap50": 0.6 - n / 2, "ap": 0.5 - n / 4},
         "mask": {"precision": 0.4, "recall": 0.4, "ap50": 0.5 - n / 2, "ap": 0.2 + n / 4}}
        for n, name in NAMES.items()
    ]  # fmt: skip
    curve = {"recall": [0, 0.5, 1], "precision": {"0": [1, 1, 0], "1": [1, 0.5, 0]}}
    values = {
        "names": NAMES,
        "metrics": {"metrics/mAP50-95(M)": 0.325, "metrics/mAP50-95(B)": 0.375},
        "per_class": rows,
        "curves": {"box": curve, "mask": curve},
        "confusion": {"labels": ["square", "circle", "background"],
                      "matrix": [[1, 0, 0], [1, 0, 0], [0, 1, 0]]},
        "images": [right, wrong],
        "speed_ms": {"inference": 4.0},
        "weights": "best.pt",
    }  # fmt: skip
    (folder / "validation.json").write_text(json.dumps(values))
    return folder


@pytest.fixture
def panel(qtbot, project, jobs, folder) -> ValidationPanel:
    panel = ValidationPanel(project, jobs)
    qtbot.addWidget(panel)
    panel.resize(1300, 860)
    panel.show()
    panel.show_folder(folder, "train · best")
    qtbot.waitUntil(lambda: panel.report is not None, timeout=10_000)
    yield panel
    panel.gallery.tiles_model.wait()


def captions(panel: ValidationPanel) -> list[str]:
    return [tile.caption for tile in panel.gallery.tiles_model.tiles]


def click_cell(panel: ValidationPanel, row: int, column: int) -> None:
    place = panel.confusion.cell_rect(row, column).center().toPoint()
    QTest.mouseClick(panel.confusion, LEFT, pos=place)


def test_the_worst_images_come_first(panel):
    assert captions(panel) == ["1.png · 2 missed, 1 wrong", "0.png · all right"]
    assert panel._about.text() == "2 images, 3 objects · 4.0 ms an image"


def test_masks_and_boxes_have_their_own_figures(panel):
    assert panel.figures()["mAP50-95"] == "0.325"
    assert panel.table.shown_names() == ["square", "circle"], "worst mask AP first"
    panel.kind.setCurrentIndex(1)
    assert panel.figures()["mAP50-95"] == "0.375"
    assert panel.table.shown_names() == ["circle", "square"]


def test_a_click_on_a_heads_column_sorts(panel):
    header = panel.table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(2) + 20, header.height() // 2)
    QTest.mouseClick(header.viewport(), LEFT, pos=place)
    first = panel.table.shown_names()
    QTest.mouseClick(header.viewport(), LEFT, pos=place)
    assert panel.table.shown_names() == first[::-1]


def test_a_click_on_a_class_shows_its_images_only(panel):
    row = panel.table.shown_names().index("circle")
    place = panel.table.visualRect(panel.table.model().index(row, 0)).center()
    QTest.mouseClick(panel.table.viewport(), LEFT, pos=place)
    assert captions(panel) == ["1.png · 1 missed, 1 wrong"]
    assert panel.curve._chosen == 1
    QTest.mouseClick(panel.show_all_button, LEFT)
    assert len(captions(panel)) == 2


def test_a_click_on_a_cell_shows_exactly_its_objects_and_opens_one(panel, folder, qtbot):
    click_cell(panel, 1, 0)
    assert panel._gallery_title.text() == "1 object of square taken for circle"
    (tile,) = panel.gallery.tiles_model.tiles
    assert tile.truth[0].class_id == 0
    assert tile.predictions[0].class_id == 1
    qtbot.waitUntil(
        lambda: isinstance(panel.gallery.tiles_model.picture(0), QPixmap), timeout=10_000
    )
    place = panel.gallery.visualRect(panel.gallery.tiles_model.index(0)).center()
    with qtbot.waitSignal(panel.open_image) as opened:
        QTest.mouseClick(panel.gallery.viewport(), LEFT, pos=place)
    file, box = opened.args
    assert file == folder / "1.png"
    assert box[0] < 10
    assert box[2] > 30


def test_an_empty_cell_does_nothing(panel):
    before = captions(panel)
    click_cell(panel, 0, 1)
    assert captions(panel) == before


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ((0, 0), "1 object of square found"),
        ((2, 1), "1 object of circle not found"),
        ((1, 0), "1 object of square taken for circle"),
        ((0, 2), "0 × square where there is nothing"),
        ((2, 2), ""),
    ],
)
def test_cells_are_said_in_words(panel, cell, words):
    assert panel.confusion.describe(*cell) == words


def test_a_folder_without_validation_says_what_to_do(panel, tmp_path, qtbot):
    panel.show_folder(tmp_path)
    qtbot.waitUntil(lambda: panel.banner.isVisible(), timeout=10_000)
    assert "Validate the model again." in panel.banner.text()


def test_a_validation_that_went_leaves_the_page_empty(panel):
    assert panel.table.isVisible()
    panel.show_nothing()
    assert not panel.table.isVisible()
    assert panel._empty.isVisible()
    assert not panel.banner.isVisible()


def test_labels_are_drawn_left_and_predictions_right_mistakes_in_red(tmp_path):
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((100, 100, 3), 128, np.uint8))
    ring = ((20.0, 20.0), (80.0, 20.0), (80.0, 80.0), (20.0, 80.0))
    truth = SeenObject(0, (20, 20, 80, 80), ring, matched=True)
    missed = SeenObject(1, (20, 20, 80, 80), ring, matched=False, score=0.9)
    image = SeenImage(path, 100, 100, (truth,), (missed,))
    picture = draw_tile(image_tile(image, NAMES), LOOK)
    half = (picture.width() - 4) // 2
    scale = half / 100

    def at(x: float, y: float, right: bool) -> QColor:
        return picture.pixelColor(round(x * scale) + (half + 4 if right else 0), round(y * scale))

    edge_left, edge_right = at(20, 50, right=False), at(20, 50, right=True)
    assert edge_left.green() > edge_left.red() + 50
    assert edge_right.red() > edge_right.green() + 50
    assert at(50, 50, right=False).green() > at(50, 50, right=False).red(), "a faint fill"
    assert at(5, 50, right=False) == QColor(128, 128, 128)


def test_names_of_predictions_do_not_hide_one_another(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((100, 100, 3), 128, np.uint8))

    def written(count: int) -> int:
        """Return the pixels of letters where so many predictions lie upon one another."""
        found = tuple(SeenObject(1, (20, 30, 90, 80), (), True, score=0.9) for _ in range(count))
        picture = draw_tile(image_tile(SeenImage(path, 100, 100, (), found), NAMES), LOOK)
        pixels = QImage(picture).convertToFormat(QImage.Format.Format_RGB32)
        channels = np.asarray(pixels.constBits()).reshape(pixels.height(), pixels.width(), 4)
        return int((channels[..., :3] > 230).all(-1).sum())

    one = written(1)
    assert one > 30
    assert written(2) == pytest.approx(2 * one, rel=0.1)
    assert written(40) <= 8 * one  # the others have no room left


def test_a_missing_image_says_so_in_its_tile(tmp_path):
    image = SeenImage(tmp_path / "gone.png", 10, 10, (), ())
    assert "gone.png" in draw_tile(image_tile(image, NAMES), LOOK)


def test_a_crop_keeps_inside_the_image():
    image = SeenImage(Path("a.png"), 100, 50, (), ())
    truth = SeenObject(0, (0, 0, 10, 10), (), matched=False)
    tile = example_tile(Example(image, truth, None), NAMES)
    assert isinstance(tile, Tile)
    assert tile.region == (0, 0, 34, 34)


def test_a_versions_picture_leads_back_to_the_projects_own(project):
    version = create_version(project)
    placed = sorted((version.folder / "images" / "train").iterdir())[0]
    original = original_of(placed)
    assert project.find_image(original) is not None
    assert not original.is_relative_to(version.folder)
    assert original_of(Path("/somewhere/else.png")) == Path("/somewhere/else.png")


# What tasks have of their own: a class for the whole image, or for every pixel.


def shown(qtbot, project, jobs, folder: Path) -> ValidationPanel:
    panel = ValidationPanel(project, jobs)
    qtbot.addWidget(panel)
    panel.resize(1300, 860)
    panel.show()
    panel.show_folder(folder)
    qtbot.waitUntil(lambda: panel.report is not None, timeout=10_000)
    return panel


def write_own(folder: Path, record: ValidationRecord, task: str, figures: dict, **metrics) -> Path:
    """Write a record of two classes as a task's validator does."""
    rows = [
        {"class_id": n, "name": name, "images": 2, "instances": 1200, "figures":
         {key: value - n / 10 for key, value in figures.items()}}
        for n, name in NAMES.items()
    ]  # fmt: skip
    matrix = [[30, 12_000], [0, 19]]
    known = SimpleNamespace(
        names=NAMES,
        results_dict={f"metrics/{k}": v for k, v in metrics.items()},
        per_class=lambda: rows,
    )
    confusion = SimpleNamespace(to_dict=lambda: {"labels": [*NAMES.values()], "matrix": matrix})
    folder.mkdir(exist_ok=True)
    record.write(folder / "validation.json", known, confusion, {}, None, task)
    return folder


def test_a_classifiers_page(qtbot, project, jobs, folder, tmp_path):
    record = ValidationRecord()
    for number, truth in enumerate((0, 1)):
        record.add_label(str(folder / f"{number}.png"), (80, 60), truth, np.array([0.7, 0.3]))
    figures = {"precision": 0.6, "recall": 0.5, "f1": 0.55}
    place = write_own(
        tmp_path / "c", record, "classify", figures, accuracy_top1=0.5, accuracy_top5=1.0
    )
    panel = shown(qtbot, project, jobs, place)
    assert panel.figures() == {"top-1 accuracy": "0.500", "top-5 accuracy": "1.000"}
    assert captions(panel) == ["1.png · square, not circle", "0.png · right"]
    assert not panel.kind.isVisible()
    assert not panel.curve.isVisible()
    assert [panel.table.model().headerData(c, Qt.Orientation.Horizontal) for c in range(5)] == [
        "Class", "Images", "Precision", "Recall", "F1",
    ]  # fmt: skip
    assert panel.table.shown_names() == ["circle", "square"], "the worst first"
    assert panel._about.text() == "2 images"
    click_cell(panel, 0, 1)
    assert panel._gallery_title.text() == "12,000 images of circle taken for square"
    assert captions(panel) == ["1.png · square, not circle"]
    with qtbot.waitSignal(panel.open_image) as opened:
        panel._on_tile_opened(panel.gallery.tiles_model.tiles[0])
    assert opened.args == [folder / "1.png", None]
    panel.gallery.tiles_model.wait()


def test_a_page_of_class_maps(qtbot, project, jobs, folder, tmp_path):
    truth = np.zeros((60, 80), np.uint8)
    truth[:, 40:] = 1
    record = ValidationRecord()
    record.add_maps(str(folder / "0.png"), (80, 60), truth, truth)
    record.add_maps(str(folder / "1.png"), (80, 60), truth, np.zeros_like(truth))
    figures = {"precision": 0.6, "recall": 0.5, "iou": 0.4, "dice": 0.5, "mcr": 0.1}
    values = {"mIoU": 0.4, "pixel_acc": 0.75, "precision": 0.6, "recall": 0.5, "DiceScore": 0.5}
    place = write_own(tmp_path / "s", record, "semseg", figures, **values)
    panel = shown(qtbot, project, jobs, place)
    assert panel.figures() == {
        "mIoU": "0.400", "pixel accuracy": "0.750", "Dice": "0.500", "precision": "0.600",
    }  # fmt: skip
    assert captions(panel) == [
        "1.png · 50 % of its pixels right",
        "0.png · 100 % of its pixels right",
    ]
    assert panel.table.model().index(0, 2).data() == "1,200", "pixels"
    click_cell(panel, 0, 1)
    assert panel._gallery_title.text() == "12,000 pixels of circle taken for square"
    assert captions(panel) == ["1.png · 50 % of its pixels right"]
    panel.gallery.tiles_model.wait()


def pixel(picture, x: int, y: int) -> tuple[int, int, int]:
    color = picture.pixelColor(x, y)
    return color.red(), color.green(), color.blue()


def test_class_maps_tint_the_picture_and_leave_what_nobody_knows(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((60, 80, 3), 100, np.uint8))
    truth = np.zeros((60, 80), np.uint8)
    truth[:20], truth[40:] = 255, 1
    record = ValidationRecord()
    record.add_maps(str(path), (80, 60), truth, np.zeros_like(truth))
    place = write_own(tmp_path, record, "semseg", {"iou": 0.5})
    (image,) = read_report(place / "validation.json").images
    picture = draw_tile(image_tile(image, NAMES), LOOK)
    right = picture.width() // 2 + 50
    top, middle, bottom = 10, picture.height() // 2, picture.height() - 10
    assert pixel(picture, 50, top) == (100, 100, 100)
    assert pixel(picture, 50, middle)[1] > 150 > pixel(picture, 50, middle)[2]
    assert pixel(picture, 50, bottom)[2] > 150 > pixel(picture, 50, bottom)[1]
    assert pixel(picture, right, bottom)[1] > 150, "predicted as the other class"


def test_a_background_that_nobody_drew_leaves_the_pictures_as_they_are(
    qtbot, project, jobs, folder, tmp_path
):
    truth = np.zeros((60, 80), np.uint8)
    record = ValidationRecord()
    record.add_maps(str(folder / "0.png"), (80, 60), truth, truth)
    place = write_own(tmp_path / "s", record, "semseg", {"iou": 0.5})
    report = json.loads((place / "validation.json").read_text())
    report["names"] = {"0": "square", "1": "background"}
    (place / "validation.json").write_text(json.dumps(report))
    panel = shown(qtbot, project, jobs, place)
    assert set(panel._map_inks()) == {0}
    project.add_class("background")
    assert set(panel._map_inks()) == {0, 1}
    panel.gallery.tiles_model.wait()


def test_the_gallery_says_from_which_score_on_it_counts(qtbot, project, jobs, folder, tmp_path):
    panel = shown(qtbot, project, jobs, folder)
    assert "of 0.25 and more" in panel._legend.text()
    panel.gallery.tiles_model.wait()


def test_rotated_boxes_and_keypoints_are_drawn_as_they_lie(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((100, 100, 3), np.uint8))
    ring = ((50.0, 10.0), (90.0, 50.0), (50.0, 90.0), (10.0, 50.0))
    points = ((50.0, 50.0, 2.0), (30.0, 50.0, 0.0))
    seen_object = SeenObject(0, (10, 10, 90, 90), (), True, None, ring, points)
    image = SeenImage(path, 100, 100, (seen_object,), ())
    picture = draw_tile(image_tile(image, NAMES), LOOK)
    scale = picture.height() / 100
    green = (0, 255, 0)
    assert pixel(picture, round(50 * scale), round(50 * scale)) == green
    assert pixel(picture, round(30 * scale), round(50 * scale)) == (0, 0, 0), "not labelled"
    near = [pixel(picture, round(30 * scale) + d, round(30 * scale)) for d in range(-2, 3)]
    assert max(color[1] for color in near) > 150, "the edge of the turned box"
    corner = [pixel(picture, round(10 * scale) + d, round(10 * scale)) for d in range(-2, 3)]
    assert max(color[1] for color in corner) == 0, "no upright box"


CURVES = {
    "recall": [0, 0.5, 1], "precision": {"0": [1, 1, 0], "1": [1, 0.5, 0]},
    "confidence": [0, 0.25, 1], "f1": {"0": [0.2, 0.6, 0], "1": [0.4, 0.8, 0]},
    "p": {"0": [0.1, 0.5, 1], "1": [0.1, 0.5, 1]}, "r": {"0": [1, 0.5, 0], "1": [1, 0.5, 0]},
}  # fmt: skip


def change(folder: Path, **values) -> Path:
    path = folder / "validation.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


def test_curves_over_confidence_say_where_the_best_is(qtbot, project, jobs, folder):
    panel = shown(qtbot, project, jobs, change(folder, curves={"box": CURVES, "mask": CURVES}))
    box = panel.curve_choice
    assert [box.itemData(i) for i in range(box.count())] == ["pr", "f1", "p", "r"]
    box.setCurrentIndex(1)
    assert panel._curve_header._note.text() == "best 0.70 at a confidence of 0.25"
    assert panel.curve.accessibleName() == "F1 over confidence"
    panel.kind.setCurrentIndex(1)
    assert box.currentData() == "f1", "the choice stays for the other kind"
    box.setCurrentIndex(0)
    assert panel._curve_header._note.text() == ""
    panel.gallery.tiles_model.wait()


def statistics_of(names: dict[int, str]) -> dict:
    """What the engine counts on three images."""
    rows = [
        {"cls": np.array([[0.0], [0.0]]), "bboxes": np.array([[0.1, 0.1, 0.5, 0.02]] * 2)},
        {"cls": np.array([[1.0]]), "bboxes": np.array([[0.9, 0.5, 0.1, 0.9]])},
        {"cls": np.zeros((0, 1)), "bboxes": np.zeros((0, 4))},
    ]
    return label_statistics(rows, names)


def test_the_distribution_of_labels_is_shown(qtbot, project, jobs, folder):
    labels = statistics_of({**NAMES, 2: "star"})
    panel = shown(qtbot, project, jobs, change(folder, labels=labels))
    view = panel.labels
    panel._right.setCurrentWidget(view)
    assert view.summary.text() == "3 objects on 3 images. Not among them: star."
    assert [row[:2] for row in view.classes._rows] == [("square", 2), ("circle", 1)]
    assert view.counts.bars == [("0", 1), ("1", 1), ("2", 1)]
    assert view.centres._cells[5, 5] == 2
    assert view.sizes._cells.sum() == 3
    assert view.sizes._cells[-2, 25] == 2, "flat ones at the bottom"
    assert view.isVisible()
    panel.gallery.tiles_model.wait()


def test_without_a_distribution_there_is_no_tab(panel):
    assert not panel._right.isTabVisible(panel._right.indexOf(panel.labels))


def test_many_counts_share_columns():
    assert grouped([1, 2, 3]) == [("0", 1), ("1", 2), ("2", 3)]
    bars = grouped([1] * 60)
    assert bars[0] == ("0-2", 3)
    assert sum(images for _text, images in bars) == 60
    assert grouped([]) == []


def test_heat_is_clear_where_nothing_is():
    image = heat_image(np.array([[0, 4], [1, 0]]), QColor("#0000FF"))
    alphas = [image.pixelColor(x, y).alpha() for y in range(2) for x in range(2)]
    assert alphas == [0, 255, 128, 0]
    assert heat_image(np.zeros((2, 2), int), QColor("#0000FF")).pixelColor(0, 0).alpha() == 0
