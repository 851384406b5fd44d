"""What the engine found stands in the window in the window's language, and stays English where it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.data.problems import Problem
from engine.runtime.errors import DatasetError
from studio.app.reports import tell_problems
from studio.language import sentences
from studio.language.chosen import VARIABLE
from studio.model.run_warnings import RunWarning
from studio.panels.train.warnings_list import WarningsList
from studio.widgets.form import FormValues
from studio.widgets.form_fields import argument_fields
from studio.widgets.message_banner import MessageBanner


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let what the engine says be Chinese; the window's own tables were made in English before."""
    monkeypatch.setenv(VARIABLE, "zh_CN")
    sentences._in_force.cache_clear()
    yield
    sentences._in_force.cache_clear()


def data_set(photos: Path) -> Path:
    """Write YOLO labels with faults beside three photos; return the description."""
    labels = photos.parent / "labels"
    images = photos.parent / "images"
    photos.rename(images)
    labels.mkdir()
    (labels / "img0.txt").write_text("0 0.5 0.5 0.2 0.2\n9 0.5 0.5 0.2 0.2\n0 0.5 abc 0.2 0.2\n")
    (labels / "img1.txt").write_text("0 0.5 0.5 0.2\n")
    (images / "img2.png").write_bytes((images / "img2.png").read_bytes()[:900])
    description = photos.parent / "data.yaml"
    description.write_text("train: images\nval: images\nnames: [bolt]\n")
    return description


def test_the_preview_of_an_import_names_file_line_and_fault(
    opened: Any, tmp_path: Path, write_photos: Any
) -> None:
    photos = tmp_path / "set" / "photos"
    write_photos(photos, 3, (64, 48))
    opened.drop(opened.studio.window, data_set(photos))
    opened.wait(lambda: opened.studio.files.importing.dialog is not None)
    dialog = opened.studio.files.importing.dialog
    QTest.qWaitForWindowExposed(dialog)
    lines = [dialog.problems.item(row).text() for row in range(dialog.problems.count())]
    by_place = {line.split("，")[0].rpartition("/")[2]: line for line in lines}  # noqa: RUF001
    assert len(lines) >= 4
    assert any("img0.txt，第 2 行" in line and "类别 9 不存在" in line for line in lines)  # noqa: RUF001
    assert any("img0.txt，第 3 行" in line and "不是数字" in line for line in lines)  # noqa: RUF001
    assert "img1.txt" in by_place
    assert any("img2.png" in line and "PNG" in line and "文件被截断" in line for line in lines)
    assert not [line for line in lines if "Correct" in line or "damaged" in line]
    dialog.close()


def test_a_damaged_picture_says_so_on_the_canvas_and_stays_english_in_the_project(
    opened: Any, photos: Path
) -> None:
    file = sorted(photos.glob("*.png"))[1]
    file.write_bytes(file.read_bytes()[:500])
    session = opened.session
    image_id = session.project.image_ids()[1]
    session.workspace.go_to(image_id)
    opened.wait(lambda: bool(session.canvas.problem()))
    opened.wait(lambda: bool(session.project.image(image_id).note))
    backdrop = session.canvas.picture._backdrop
    assert file.name in backdrop.problem
    assert "PNG 文件" in backdrop.problem
    assert "替换" in backdrop.remedy
    assert "PNG" in session.canvas.problem()
    assert session.canvas.problem().isascii()
    assert session.project.image(image_id).note.isascii()


def test_the_banner_shows_chinese_and_copies_english(opened: Any) -> None:
    error = DatasetError("It names no classes.", path="classes.txt", remedy="One class a line.")
    opened.studio.show_error(error)
    banner: MessageBanner = opened.studio.window.banner
    assert banner.text() == "classes.txt: 它没有写出任何类别。 请每行写一个类别。"
    banner.copy_button.click()
    copied = QApplication.clipboard().text()
    assert copied.startswith("classes.txt: It names no classes. One class a line.")
    assert "DatasetError" in copied


def test_problems_that_are_listed_are_chinese_with_their_lines(opened: Any) -> None:
    banner = opened.studio.window.banner
    faults = [
        Problem(Path("a b.txt"), 3, "The box has no area. Correct or remove the line."),
        Problem(Path("c.json"), None, "It is no data set of a known format."),
    ]
    tell_problems(banner, "done", faults)
    assert banner.details() == (
        "a b.txt，第 3 行：边界框没有面积。请改正或移除这一行。\nc.json: 它不是已知格式的数据集。"  # noqa: RUF001
    )


def test_a_form_says_in_chinese_what_a_value_must_be(opened: Any) -> None:
    del opened
    from engine.cfg.schema import by_name

    values = FormValues(argument_fields([by_name["epochs"]], "train"))
    values.take("epochs", "many")
    assert values.error("epochs").startswith("应为")
    assert "many" in values.error("epochs")


def test_warnings_of_a_training_are_chinese(opened: Any) -> None:
    del opened
    shown = WarningsList()
    said = "No class belongs to 7; these pixels are ignored. Add them to 'label_mapping' or 'colors' in the data.yaml, or correct the mask."
    shown.show_warnings([RunWarning(said, Path("m.png"))])
    item = shown.topLevelItem(0)
    assert item is not None
    assert item.text(1).startswith("没有类别对应 7")
