"""Everything about one class in a window of its own that leaves the canvas usable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from engine.runtime.errors import EngineError
from studio.language import tr
from studio.model.edits import ChangeClass
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.records import ClassDef
from studio.panels.classes.attribute_table import AttributeTable
from studio.panels.classes.class_words import pair_words, possible_parents, scheme_from_words
from studio.theme import tokens
from studio.widgets.class_icons import class_icon
from studio.widgets.color_swatch import ColorSwatch
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.searched_combo import SearchedComboBox
from studio.widgets.section_header import SectionHeader
from studio.widgets.text_label import TextLabel

KeyOwner = Callable[[str], str]
_WIDTH = 560


class ClassEditor(QDialog):
    """Name, colour, key, place in the hierarchy, opacity, attributes and keypoints; Save is one step of the history.

    Args:
        project: The open project.
        cls: The class.
        key_owner: Returns what a key does already, empty where it is free.
    """

    def __init__(
        self, project: Project, cls: ClassDef, key_owner: KeyOwner, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._project, self._cls, self._key_owner = project, cls, key_owner
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Class {name}").format(name=cls.name))
        self.setMinimumWidth(_WIDTH)
        self.banner = MessageBanner()
        self.name = QLineEdit(cls.name)
        self.swatch = ColorSwatch(cls.color)
        self.key = QLineEdit(cls.shortcut.upper())
        self.key.setMaxLength(1)
        self.key.setFixedWidth(tokens.TOOL_SIZE * 2)
        self.key.setPlaceholderText(tr("none"))
        self.key.setToolTip(tr("One key that chooses the class on the Annotate page"))
        self.parent_box = SearchedComboBox(tr("Find a class"))
        self.parent_box.addItem(tr("none"), None)
        for other in possible_parents(cls, project.classes()):
            self.parent_box.addItem(class_icon(other.color), other.name, other.id)
        self.parent_box.setCurrentIndex(max(0, self.parent_box.findData(cls.parent)))
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(10, 100)
        self.opacity.setValue(round(cls.opacity * 100))
        self._opacity_words = TextLabel("", "secondary")
        self._opacity_words.setFixedWidth(tokens.TOOL_SIZE + tokens.SPACE_M)
        self.opacity.valueChanged.connect(self._show_opacity)
        self.attributes = AttributeTable()
        self.attributes.show_attributes(cls.attributes)
        self.points, self.bones, self.mirror = QLineEdit(), QLineEdit(), QLineEdit()
        self._show_keypoints()
        self.save_button = TextButton(tr("Save"), "primary")
        self.save_button.setDefault(True)
        self.save_button.clicked.connect(self.save)
        self.cancel_button = TextButton(tr("Cancel"))
        self.cancel_button.clicked.connect(self.reject)
        self._lay_out()
        self._show_opacity()

    def edited(self) -> ClassDef:
        """Return the class as the fields describe it.

        Raises:
            EditError: A field makes no sense.
        """
        key = self.key.text().strip().lower()
        if key and key != self._cls.shortcut and (owner := self._key_owner(key)):
            raise EditError(
                tr("The key {key} is taken: {owner}.").format(key=key.upper(), owner=owner),
                value=key,
                remedy=tr("Choose another key, or change that one on the sheet of shortcuts (F1)."),
            )
        return replace(
            self._cls,
            name=self.name.text().strip(),
            color=self.swatch.color(),
            shortcut=key,
            parent=self.parent_box.currentData(),
            opacity=self.opacity.value() / 100,
            attributes=self.attributes.attributes(),
            keypoints=scheme_from_words(self.points.text(), self.bones.text(), self.mirror.text()),
        )

    def save(self) -> None:
        """Write the class and close; say what is wrong where it cannot be written."""
        try:
            edited = self.edited()
            if edited != self._cls:
                self._project.apply(ChangeClass(edited))
        except EngineError as error:
            self.banner.show_message(error.message, error.remedy or "")
            return
        self.accept()

    def _show_opacity(self) -> None:
        self._opacity_words.setText(f"{self.opacity.value()} %")

    def _show_keypoints(self) -> None:
        scheme = self._cls.keypoints
        self.points.setPlaceholderText(tr("left eye, right eye, nose"))
        self.bones.setPlaceholderText("1-3, 2-3")
        self.mirror.setPlaceholderText("1-2")
        if scheme is not None:
            names = scheme.names or tuple(
                tr("point {n}").format(n=n + 1) for n in range(scheme.count)
            )
            self.points.setText(", ".join(names))
            self.bones.setText(pair_words(scheme.skeleton))
            self.mirror.setText(pair_words(scheme.flip_pairs()))

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.addWidget(self.swatch)
        first.addWidget(self.name, 1)
        opacity = QHBoxLayout()
        opacity.addWidget(self.opacity, 1)
        opacity.addWidget(self._opacity_words)
        top = _form(
            (tr("Name and colour"), first, self.name),
            (tr("Key"), self.key, self.key),
            (tr("Kind of"), self.parent_box, self.parent_box),
            (tr("Opacity"), opacity, self.opacity),
        )
        below = _form(
            (tr("Names"), self.points, self.points),
            (tr("Bones"), self.bones, self.bones),
            (tr("Mirror pairs"), self.mirror, self.mirror),
        )
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.save_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*[tokens.SPACE_L] * 4)
        layout.setSpacing(tokens.SPACE_S)
        layout.addWidget(self.banner)
        layout.addLayout(top)
        layout.addWidget(SectionHeader(tr("Attributes"), tr("asked for in the Properties dock")))
        layout.addWidget(self.attributes, 1)
        layout.addWidget(SectionHeader(tr("Keypoints"), tr("numbers count the names from 1")))
        layout.addLayout(below)
        layout.addLayout(buttons)


def _form(*rows: tuple[str, QWidget | QHBoxLayout, QWidget]) -> QFormLayout:
    form = QFormLayout()
    form.setHorizontalSpacing(tokens.SPACE_M)
    form.setVerticalSpacing(tokens.SPACE_S)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for word, field, named in rows:
        label = TextLabel(word, "secondary")
        label.setBuddy(named)
        named.setAccessibleName(word)
        form.addRow(label, field)
    return form
