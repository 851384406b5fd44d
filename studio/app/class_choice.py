"""The selected shapes get another class: from the list in Properties, or from a list to search in where there are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence

from studio.dialogs.command_palette import CommandPalette
from studio.language import tr
from studio.model.records import ClassDef
from studio.widgets.class_icons import class_icon
from studio.widgets.searched_combo import FEW

if TYPE_CHECKING:
    from studio.app.session import Session


def offer_classes(session: Session) -> None:
    """Offer the classes for the selected shapes."""
    session.annotate.show_dock("properties")
    classes = session.project.classes()
    if len(classes) <= FEW:
        session.annotate.properties.offer_classes()
    elif session.workspace.selection:
        CommandPalette(_actions(session), session.studio.window, tr("Find a class")).show()


def offer_classes_at_box(session: Session) -> None:
    """Offer the classes to search in where the box in Properties was opened, at the one that it shows."""
    box = session.annotate.properties.class_box
    palette = CommandPalette(_actions(session), session.studio.window, tr("Find a class"))
    palette.drop_from(box, box.currentIndex())
    palette.show()


def _actions(session: Session) -> list[QAction]:
    return [_action(session, cls, place) for place, cls in enumerate(session.project.classes())]


def _action(session: Session, cls: ClassDef, place: int) -> QAction:
    action = QAction(class_icon(cls.color), cls.name)
    digit = str(place + 1) if place < 9 else ""
    action.setShortcut(
        QKeySequence(cls.shortcut.upper() or digit)
    )  # to be read: it is on no widget
    action.triggered.connect(lambda: session.annotate.properties.choose_class(cls.id))
    return action
