"""Removing a class: how many shapes it has, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from engine.runtime.errors import EngineError
from studio.language import ntr, tr
from studio.model.edits import Edit, MergeClass, RemoveClass
from studio.model.project import Project
from studio.model.records import ClassDef
from studio.theme import tokens
from studio.widgets.class_icons import class_icon
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.searched_combo import SearchedComboBox
from studio.widgets.text_label import TextLabel

TakeOver = Callable[[int, Callable[[Project], Edit | None]], bool]


class RemoveClassDialog(QDialog):
    """Asks once, beside the canvas, whether the shapes go with the class or get another one; both can be undone.

    Args:
        project: The open project.
        cls: The class to remove.
        shapes: How many shapes it has.
        images: On how many images.
        parent: The window.
        take_over: Given how many images an edit touches and what makes it, applies it in a thread if they are many
            and tells whether it does.
    """

    def __init__(
        self,
        project: Project,
        cls: ClassDef,
        shapes: int,
        images: int,
        parent: QWidget | None = None,
        take_over: TakeOver = lambda _count, _make: False,
    ) -> None:
        super().__init__(parent)
        self._project, self._cls, self._images = project, cls, images
        self._take_over = take_over
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Remove class {name}").format(name=cls.name))
        self.banner = MessageBanner()
        many = ntr("{count:,} shape", "{count:,} shapes", shapes).format(count=shapes)
        on = ntr("{count:,} image", "{count:,} images", images).format(count=images)
        words = TextLabel(
            tr("The class {name} has {many} on {on}. What becomes of them?").format(
                name=cls.name, many=many, on=on
            ),
            wrap=True,
        )
        self.move_button = QRadioButton(tr("Give them to"))
        self.target = SearchedComboBox(tr("Find a class"))
        self.target.setAccessibleName(tr("Class that gets the shapes"))
        for other in project.classes():
            if other.id != cls.id:
                self.target.addItem(class_icon(other.color), other.name, other.id)
        self.delete_button = QRadioButton(tr("Delete {many}").format(many=many))
        has_other = self.target.count() > 0
        self.move_button.setEnabled(has_other)
        self.target.setEnabled(has_other)
        (self.move_button if has_other else self.delete_button).setChecked(True)
        self.target.activated.connect(lambda _row: self.move_button.setChecked(True))
        self.remove_button = TextButton(tr("Remove class"), "danger")
        self.remove_button.clicked.connect(self.remove)
        self.cancel_button = TextButton(tr("Cancel"))
        self.cancel_button.clicked.connect(self.reject)
        choice = QHBoxLayout()
        choice.addWidget(self.move_button)
        choice.addWidget(self.target, 1)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.remove_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*[tokens.SPACE_L] * 4)
        layout.setSpacing(tokens.SPACE_M)
        layout.addWidget(self.banner)
        layout.addWidget(words)
        layout.addLayout(choice)
        layout.addWidget(self.delete_button)
        layout.addWidget(TextLabel(tr("Undo brings the class and its shapes back."), "secondary"))
        layout.addLayout(buttons)

    def edit(self) -> Edit:
        """Return the edit that was chosen."""
        if self.move_button.isChecked():
            return MergeClass(self._cls, self.target.currentData())
        return RemoveClass(self._cls)

    def remove(self) -> None:
        """Remove the class and close; say why where it cannot be."""
        edit = self.edit()
        if self._take_over(self._images, lambda _project: edit):
            self.accept()
            return
        try:
            self._project.apply(edit)
        except EngineError as error:
            self.banner.show_message(error.message, error.remedy or "")
            return
        self.accept()
