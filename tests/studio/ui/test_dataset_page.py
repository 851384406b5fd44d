"""The Dataset page by hand: images chosen and changed together, statistics that lead to images, splits, duplicates, files."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QStyledItemDelegate,
)

from studio.app.dataset_page import DatasetPage
from studio.model.edits import SetSplit, SetTags
from studio.model.records import ImageFilter, ImageOrder
from studio.panels import splits
from studio.storage.image_index import add_files
from studio.storage.split_draw import draw
from studio.widgets.bar_list import BarList
from tests.studio.ui.conftest import LEFT, PLAIN, Hands


def page_of(hands: Hands, part: str) -> DatasetPage:
    hands.studio.show_page("dataset")
    page = hands.session.pages.dataset_page
    page.show_part(part)
    QApplication.processEvents()
    return page


def test_images_are_sorted_by_a_header_and_opened_by_a_double_click(labelled: Hands) -> None:
    hands = labelled
    images = page_of(hands, "images").images
    hands.push(images.table_button)
    header = images.table.horizontalHeader()
    shapes = next(c for c in range(images.model.columnCount()) if _title(images, c) == "Shapes")
    place = QPoint(header.sectionViewportPosition(shapes) + 20, header.height() // 2)
    for descending in (False, True):
        QTest.mouseClick(header.viewport(), LEFT, PLAIN, place)
        assert hands.session.workspace.order == ImageOrder("shapes", descending)
    first = hands.session.workspace.image_ids[0]
    assert hands.session.project.image(first).shape_count == 2
    last = images.model.index(2, 0)
    spot = images.table.visualRect(last).center()
    QTest.mouseClick(images.table.viewport(), LEFT, PLAIN, spot)
    QTest.mouseDClick(images.table.viewport(), LEFT, PLAIN, spot)
    assert hands.studio.window.current_page() == "annotate"
    assert hands.session.workspace.image_id == hands.session.workspace.image_ids[2]


def _title(images: object, column: int) -> str:
    model = images.model  # type: ignore[attr-defined]
    return str(model.headerData(column, Qt.Orientation.Horizontal))


def test_many_images_are_changed_together(labelled: Hands) -> None:
    hands = labelled
    images = page_of(hands, "images").images
    images.grid.setFocus()
    QTest.keyClick(images.grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert len(images.chosen()) == 3
    from studio.panels.images.image_menu import build_image_menu

    project = hands.session.project
    menu = build_image_menu(images, project, images.chosen(), hands.session.apply)
    stages = next(a.menu() for a in menu.actions() if a.text() == "Stage")
    next(a for a in stages.actions() if a.text() == "Done").trigger()  # type: ignore[union-attr]
    assert project.stage_counts()["done"] == 3
    project.undo()
    assert project.stage_counts()["done"] == 0
    menu.close()


def test_the_filter_is_one_for_the_filmstrip_and_the_page(labelled: Hands) -> None:
    hands = labelled
    project, workspace = hands.session.project, hands.session.workspace
    two = project.image_ids()[1]
    project.apply(SetTags({two: ("night",)}))
    images = page_of(hands, "images").images
    images.filter.search.setText("night")
    hands.wait(lambda: list(workspace.image_ids) == [two])
    assert hands.session.annotate.filmstrip.filter.search.text() == "night"
    images.filter.search.clear()
    images.filter.more_button.menu().aboutToShow.emit()
    details = images.filter.details
    details.tag_box.setCurrentText("night")
    details.tag_box.activated.emit(details.tag_box.currentIndex())
    assert list(workspace.image_ids) == [two]
    assert images.filter.chip.text().endswith("“night”")
    hands.push(images.filter.chip)
    assert len(workspace.image_ids) == 3


def test_statistics_count_and_each_bar_leads_to_its_images(labelled: Hands) -> None:
    hands = labelled
    panel = page_of(hands, "statistics").statistics
    hands.wait(lambda: panel.shown is not None and panel.shown.unmeasured == 0)
    hands.settle()
    workspace = hands.session.workspace
    assert [bar.value for bar in panel.shapes_an_image.bars()][:4] == [2, 0, 1, 0]
    QTest.mouseClick(
        panel.shapes_an_image, LEFT, PLAIN, panel.shapes_an_image.place_of(2).toPoint()
    )
    assert len(workspace.image_ids) == 1
    hands.session.pages.dataset_page.show_part("statistics")
    hands.settle()
    row = next(n for n, bar in enumerate(panel.shape_sizes.bars()) if bar.value)
    QTest.mouseClick(panel.shape_sizes, LEFT, PLAIN, panel.shape_sizes.place_of(row).toPoint())
    hands.wait(lambda: workspace.filter.only is not None)
    assert list(workspace.image_ids) == [hands.session.project.image_ids()[0]]
    assert "with shapes of" in workspace.filter.only_words


def test_splits_are_previewed_then_drawn(labelled: Hands) -> None:
    hands = labelled
    panel = page_of(hands, "splits").splits
    panel.val.setValue(34)
    assert not panel.apply_button.isEnabled()
    hands.push(panel.try_button)
    hands.wait(panel.apply_button.isEnabled)
    project = hands.session.project
    assert all(r.split is None for r in project.images(project.image_ids()))
    hands.push(panel.apply_button)
    splits = [r.split for r in project.images(project.image_ids())]
    assert sorted(map(str, splits)) == ["train", "train", "val"]
    panel.val.setValue(60)
    panel.test.setValue(60)
    hands.push(panel.try_button)
    assert "nothing to train on" in panel.banner.text()


def test_a_locked_split_is_unlocked_on_purpose(labelled: Hands) -> None:
    hands = labelled
    project = hands.session.project
    one = project.image_ids()[0]
    project.apply(SetSplit({one: "val"}))
    with project.store.transaction():
        project.store.lock_splits({one: 1})
    panel = page_of(hands, "splits").splits
    project.images_changed.emit()
    hands.session.apply(SetSplit({one: "train"}))
    assert "locked: version 1 uses it" in hands.banner()
    hands.push(panel.unlock_button)
    assert not panel.unlock_button.isVisible()
    hands.session.apply(SetSplit({one: "train"}))
    assert project.image(one).split == "train"


def test_duplicates_are_found_and_removed_and_undo_brings_them_back(labelled: Hands) -> None:
    hands = labelled
    project = hands.session.project
    first = project.images(project.image_ids()[:1])[0].path
    shutil.copyfile(first, first.with_name("copy.png"))
    add_files(project, [first.with_name("copy.png")])
    panel = page_of(hands, "duplicates").duplicates
    hands.push(panel.find_button)
    hands.wait(lambda: panel.cards)
    (copy,) = panel.ticked()
    assert project.images([copy])[0].path.name == "copy.png"
    hands.push(panel.remove_button)
    assert len(project.image_ids()) == 3
    assert panel.cards == []
    project.undo()
    assert len(project.image_ids()) == 4
    assert first.with_name("copy.png").is_file()


def test_missing_files_are_told_of_and_found_again(
    labelled: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = labelled
    project = hands.session.project
    (tmp_path / "moved").mkdir()
    for photo in (tmp_path / "photos").glob("*.png"):
        shutil.move(photo, tmp_path / "moved")
    page = hands.session.pages.dataset_page
    page.files.look()
    hands.wait(lambda: "not where they were" in hands.banner())
    hands.push(hands.button("Find them"))
    assert page.files.isVisible()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "moved"))
    hands.push(page.files.search_button)
    hands.wait(page.files.use_button.isVisible)
    hands.push(page.files.use_button)
    assert all(r.path.is_file() for r in project.images(project.image_ids()))
    assert page.files.missing == []
    assert len(project.shapes(project.image_ids()[0])) == 2


def test_each_bar_of_the_overview_leads_to_its_images(labelled: Hands) -> None:
    session = labelled.session
    session.apply(SetSplit({session.workspace.image_id: "val"}))
    page = session.pages.dataset_page
    for name, row, expected in (
        ("Shapes of each class", 1, ImageFilter(class_id=session.project.classes()[1].id)),
        ("Images of each split", 1, ImageFilter(split="val")),
    ):
        labelled.rail("Dataset")
        page.show_part("overview")
        bars = next(b for b in page.overview.findChildren(BarList) if b.accessibleName() == name)
        assert bars.bars()[row].value == 1
        QTest.mouseClick(bars, LEFT, pos=bars.place_of(row).toPoint())
        assert session.workspace.filter == expected
        assert list(session.workspace.image_ids) == [session.workspace.image_id]
        assert page.currentWidget() is page.images


def test_a_cell_of_the_table_looks_as_qts_own_delegate_draws_it(labelled: Hands) -> None:
    images = page_of(labelled, "images").images
    labelled.push(images.table_button)
    table = images.table
    table.setColumnWidth(0, 40)  # the name does not fit
    table.selectRow(1)
    QApplication.processEvents()
    drawn = table.viewport().grab().toImage()
    table.setItemDelegate(QStyledItemDelegate(table))
    QApplication.processEvents()
    assert table.viewport().grab().toImage() == drawn
    table.selectRow(2)
    assert table.viewport().grab().toImage() != drawn, "two pictures are told apart"


def test_drawing_splits_shows_progress_and_is_given_up(
    labelled: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred thousand images take seconds."""
    begun, go_on = Event(), Event()

    def slowly(*given: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return draw(*given)

    monkeypatch.setattr(splits, "draw", slowly)
    labelled.studio.show_page("dataset")
    page = labelled.session.pages.dataset_page
    page.show_part("splits")
    labelled.push(page.splits.try_button)
    labelled.wait(begun.is_set)
    labelled.push(page.splits.progress.cancel_button)
    go_on.set()
    labelled.wait(page.splits.try_button.isEnabled)
    assert page.splits.progress.isHidden()
    assert not page.splits.apply_button.isEnabled()
