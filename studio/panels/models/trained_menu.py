"""The menu of trained models that can be had by name: by task, then by family."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QMenu, QWidget

from engine.cfg.model_catalogue import CatalogueEntry, catalogue
from engine.cfg.schema import TASKS
from studio.language import tr
from studio.model.tasks import TASK_TITLES
from studio.model.weights_state import megabytes, weights_of


def build_trained_menu(choose: Callable[[CatalogueEntry], object], parent: QWidget) -> QMenu:
    """Return a menu of every model with published weights.

    Args:
        choose: Called with the one that was chosen.
        parent: The menu's parent.
    """
    menu = QMenu(parent)
    for task in TASKS:
        entries = [entry for entry in catalogue() if entry.task == task]
        inside = QMenu(f"{TASK_TITLES[task]} ({task})", menu)
        for family in dict.fromkeys(entry.family for entry in entries):
            of_family = [entry for entry in entries if entry.family == family]
            _add_family(inside, family, of_family, choose)
        if inside.actions():
            menu.addMenu(inside)
    return menu


def _add_family(
    menu: QMenu,
    family: str,
    entries: list[CatalogueEntry],
    choose: Callable[[CatalogueEntry], object],
) -> None:
    """Add a family's submenu, unless none of its models has weights to be had."""
    states = [(entry, weights_of(entry)) for entry in entries]
    offered = [(e, s) for e, s in states if s.can_be_had]
    if not offered:
        return
    inside = menu.addMenu(family)
    for entry, state in offered:
        size = megabytes(state.size_bytes)
        where = (
            tr("{size}, on this computer").format(size=size)
            if state.path is not None
            else tr("about {size}").format(size=size)
        )
        action = inside.addAction(f"{entry.weights}  ·  {where}")
        action.triggered.connect(lambda _=False, entry=entry: choose(entry))
