"""The keys that classes have of their own, besides the digits of their places."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from studio.actions.registry import Actions
from studio.model.project import Project


class ClassKeys(QObject):
    """Listens on the Annotate page while a project is open.

    A key that an action has by now chooses no class: the action keeps it.

    Args:
        project: The open project.
        page: Where the keys count.
        actions: Whose keys are taken.
        choose: Called with the place of a class in the list.
    """

    def __init__(
        self, project: Project, page: QWidget, actions: Actions, choose: Callable[[int], object]
    ) -> None:
        super().__init__(page)
        self._project, self._page, self._actions, self._choose = project, page, actions, choose
        self.shortcuts: dict[str, QShortcut] = {}
        project.classes_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Listen to the keys of the classes as they are now."""
        for shortcut in self.shortcuts.values():
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self.shortcuts = {}
        for place, cls in enumerate(self._project.classes()):
            if not cls.shortcut or self._actions.key_owner(cls.shortcut):
                continue
            shortcut = QShortcut(QKeySequence(cls.shortcut.upper()), self._page)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda place=place: self._choose(place))
            self.shortcuts[cls.shortcut] = shortcut
