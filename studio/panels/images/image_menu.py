"""What can be done with chosen images: stage, tags, split, removal from the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QLineEdit, QMenu, QWidget, QWidgetAction

from studio.language import tr
from studio.model.edits import Edit, RemoveImages, SetSplit, SetStage, change_tags
from studio.model.edits.review import AUTOMATIC
from studio.model.project import Project
from studio.model.review import STAGE_TITLES, STAGES
from studio.model.store import ChosenStage
from studio.panels.images.filter_choices import SPLITS
from studio.theme import icons
from studio.theme.theme import current_colors

Ids = tuple[int, ...]
_MOST_TAGS = 20  # in the menu; the search finds images of the others


Make = Callable[[Project], Edit | None]


def build_image_menu(
    parent: QWidget,
    project: Project,
    image_ids: Sequence[int],
    apply: Callable[[Edit], object],
    apply_made: Callable[[int, Make], object] | None = None,
) -> QMenu:
    """Return a menu for these images, which deletes itself when it closes.

    Args:
        parent: Owns the menu.
        project: The open project.
        image_ids: At least one image.
        apply: Applies an edit and tells the person where it cannot be.
        apply_made: The same for an edit of so many images that takes long to make; None: made at once.
    """

    def make_here(_count: int, make: Make) -> None:
        if (edit := make(project)) is not None:
            apply(edit)

    ids = tuple(image_ids)
    menu = QMenu(parent)
    menu.aboutToHide.connect(menu.deleteLater)
    if len(ids) > 1:
        menu.addSection(tr("{count:,} images").format(count=len(ids)))
    stages = menu.addMenu(tr("Stage"))
    for stage in STAGES:
        stages.addAction(STAGE_TITLES[stage], partial(_set_stage, ids, stage, apply))
    stages.addSeparator()
    stages.addAction(tr("As its labels say"), partial(_set_stage, ids, AUTOMATIC, apply))
    splits = menu.addMenu(tr("Split"))
    for text, split in SPLITS[1:]:
        splits.addAction(text, partial(_set_split, ids, split, apply))
    _fill_tags(menu.addMenu(tr("Tags")), project, ids, apply_made or make_here)
    menu.addSeparator()
    remove = menu.addAction(tr("Remove from project"), partial(apply, RemoveImages(ids)))
    remove.setIcon(icons.icon("delete", current_colors()))
    menu.setEnabled(not project.read_only)
    return menu


def _set_stage(ids: Ids, stage: ChosenStage, apply: Callable[[Edit], object]) -> None:
    apply(SetStage(dict.fromkeys(ids, stage)))


def _set_split(ids: Ids, split: str | None, apply: Callable[[Edit], object]) -> None:
    apply(SetSplit(dict.fromkeys(ids, split)))


def _fill_tags(
    menu: QMenu, project: Project, ids: Ids, apply_made: Callable[[int, Make], object]
) -> None:
    """Fill a menu with the project's tags, ticked where all of the images have them, and a field for a new one."""

    def change(add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        apply_made(
            len(ids), lambda fresh: change_tags(fresh.store.tags_of(ids), add=add, remove=remove)
        )

    field = QLineEdit()
    field.setPlaceholderText(tr("New tag"))
    field.setAccessibleName(tr("New tag for the chosen images"))

    def add_new() -> None:
        if words := field.text().strip():
            change(add=[words])
        menu.close()

    field.returnPressed.connect(add_new)
    holder = QWidgetAction(menu)
    holder.setDefaultWidget(field)
    menu.addAction(holder)
    menu.aboutToShow.connect(field.setFocus)
    counts, shared = project.tag_counts(), project.store.shared_tags(ids)
    for tag in sorted(counts, key=lambda tag: -counts[tag])[:_MOST_TAGS]:
        action = menu.addAction(tag)
        action.setCheckable(True)
        action.setChecked(tag in shared)
        action.triggered.connect(
            lambda on, tag=tag: change(add=[tag]) if on else change(remove=[tag])
        )
