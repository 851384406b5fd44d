"""Scenes of the Dataset page."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtWidgets import QAbstractItemView

from docs.scenes.scene import Scene, Shot
from docs.scenes.stage import Stage


def overview(stage: Stage) -> Iterator[Shot]:
    """Counts, balance, splits, versions."""
    _part(stage, "overview")
    yield stage.window()


def thumbnails(stage: Stage) -> Iterator[Shot]:
    """All images as thumbnails, three of them chosen."""
    _part(stage, "images")
    browser = stage.session.pages.dataset_page.images
    stage.push(browser.grid_button)
    _choose(browser.grid, 3)
    stage.settle(0.4)
    yield stage.window()


def table(stage: Stage) -> Iterator[Shot]:
    """All images as a table."""
    _part(stage, "images")
    browser = stage.session.pages.dataset_page.images
    stage.push(browser.table_button)
    _choose(browser.table, 3)
    stage.settle(0.4)
    yield stage.window()


def statistics(stage: Stage) -> Iterator[Shot]:
    """Sizes, places, what occurs together."""
    _part(stage, "statistics")
    stage.wait(lambda: not stage.studio.is_busy())
    stage.settle(0.4)
    yield stage.window()


def splits(stage: Stage) -> Iterator[Shot]:
    """A draw of splits before it is used."""
    _part(stage, "splits")
    panel = stage.session.pages.dataset_page.splits
    panel.test.setValue(10)
    stage.push(panel.try_button)
    stage.wait(panel.apply_button.isEnabled)
    stage.settle()
    yield stage.window()


def duplicates(stage: Stage) -> Iterator[Shot]:
    """Groups of images that are much alike."""
    _part(stage, "duplicates")
    panel = stage.session.pages.dataset_page.duplicates
    stage.push(panel.find_button)
    stage.wait(lambda: panel.cards)
    stage.settle(0.4)
    yield stage.window()


def files(stage: Stage) -> Iterator[Shot]:
    """Files that are not where they were."""
    stage.studio.show_page("annotate")
    project = stage.session.project
    records = project.images(project.image_ids())
    gone = [record.path for record in records if record.path.name.startswith("parts_002")]
    hidden = gone[0].parent / ".elsewhere"
    hidden.mkdir()
    for path in gone:
        path.rename(hidden / path.name)
    _part(stage, "files")
    panel = stage.session.pages.dataset_page.files
    stage.push(panel.look_button)
    stage.wait(panel.search_button.isEnabled)
    stage.settle()
    yield stage.window()
    for path in gone:
        (hidden / path.name).rename(path)
    hidden.rmdir()
    panel.look()
    stage.settle()


def _part(stage: Stage, name: str) -> None:
    stage.studio.window.banner.hide()
    stage.session.pages.dataset_page.show_part(name)
    stage.page("dataset")


def _choose(view: QAbstractItemView, count: int) -> None:
    view.clearSelection()
    for row in range(1, 1 + count):
        index = view.model().index(row, 0)
        model = view.selectionModel()
        model.select(index, model.SelectionFlag.Select | model.SelectionFlag.Rows)


SCENES = tuple(
    Scene(f"dataset-{play.__name__}", play)
    for play in (overview, thumbnails, table, statistics, splits, duplicates, files)
)
