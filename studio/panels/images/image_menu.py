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
from studio.panels.images.filter_choices import SPLITS
from studio.theme import icons
from studio.theme.theme import current_colors

_MOST_TAGS = 20  # in the menu; the search finds images of the others


def build_image_menu(
    parent: QWidget, project: Project, image_ids: Sequence[int], apply: Callable[[Edit], object]
) -> QMenu:
    """Return a menu for these images, which deletes itself when it closes.

    Args:
        parent: Owns the menu.
        project: The open project.
        image_ids: At least one image.
        apply: Applies an edit and tells the person where it cannot be.
    """
    ids = tuple(image_ids)
    menu = QMenu(parent)
    menu.aboutToHide.connect(menu.deleteLater)
    if len(ids) > 1:
        menu.addSection(tr("{count:,} images").format(count=len(ids)))
    stages = menu.addMenu(tr("Stage"))
    for stage in STAGES:
        edit: Edit = SetStage(dict.fromkeys(ids, stage))
        stages.addAction(STAGE_TITLES[stage], partial(apply, edit))
    stages.addSeparator()
    stages.addAction(
        tr("As its labels say"), partial(apply, SetStage(dict.fromkeys(ids, AUTOMATIC)))
    )
    splits = menu.addMenu(tr("Split"))
    for text, split in SPLITS[1:]:
        splits.addAction(text, partial(apply, SetSplit(dict.fromkeys(ids, split))))
    _fill_tags(menu.addMenu(tr("Tags")), project, ids, apply)
    menu.addSeparator()
    remove = menu.addAction(tr("Remove from project"), partial(apply, RemoveImages(ids)))
    remove.setIcon(icons.icon("delete", current_colors()))
    menu.setEnabled(not project.read_only)
    return menu


def _fill_tags(
    menu: QMenu, project: Project, ids: tuple[int, ...], apply: Callable[[Edit], object]
) -> None:
    """Fill a menu with the project's tags, ticked where all of the images have them, and a field for a new one."""
    own = project.store.tags_of(ids)
    field = QLineEdit()
    field.setPlaceholderText(tr("New tag"))
    field.setAccessibleName(tr("New tag for the chosen images"))

    def add_new() -> None:
        if words := field.text().strip():
            apply(change_tags(own, add=[words]))
        menu.close()

    field.returnPressed.connect(add_new)
    holder = QWidgetAction(menu)
    holder.setDefaultWidget(field)
    menu.addAction(holder)
    menu.aboutToShow.connect(field.setFocus)
    counts = project.tag_counts()
    for tag in sorted(counts, key=lambda tag: -counts[tag])[:_MOST_TAGS]:
        action = menu.addAction(tag)
        action.setCheckable(True)
        action.setChecked(all(tag in tags for tags in own.values()))
        action.triggered.connect(
            lambda on, tag=tag: apply(
                change_tags(own, add=[tag]) if on else change_tags(own, remove=[tag])
            )
        )
