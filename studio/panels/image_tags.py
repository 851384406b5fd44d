"""The classes of the whole image, which have no place on the picture: a strip above it, with what a model suggests."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from engine.data.annotations import Tag
from engine.runtime.errors import EngineError
from studio.language import tr
from studio.model.edits import RemoveShapes
from studio.model.errors import EditError
from studio.model.locks import locked_text
from studio.model.records import ClassDef, Shape
from studio.model.workspace import Workspace
from studio.theme import tokens
from studio.widgets.icon_button import IconButton
from studio.widgets.text_label import TextLabel

_ICON_PX = 16
_SQUARE_PX = 12


class ImageTagsStrip(QFrame):
    """Shows only where the current image has tags or suggestions of tags.

    Args:
        workspace: The open project and the place in it.
        refused: Called with the reason where an edit cannot be made.
    """

    def __init__(
        self,
        workspace: Workspace,
        refused: Callable[[EngineError], object] = lambda _error: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._refused = refused
        self.chips: list[TagChip] = []
        self.setProperty("role", "strip")
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(tokens.SPACE_M, 0, tokens.SPACE_M, 0)
        self._line.setSpacing(tokens.SPACE_L)
        self._line.addWidget(TextLabel(tr("This image is"), "secondary"))
        self._line.addStretch()
        project = workspace.project
        workspace.image_changed.connect(self._on_image)
        project.shapes_edited.connect(self._on_edited)
        project.suggestions_changed.connect(self._on_changed)
        project.classes_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the tags of the current image."""
        for chip in self.chips:
            self._line.removeWidget(chip)
            chip.hide()  # before it is deleted, which takes until the next event
            chip.deleteLater()
        self.chips = [self._chip(shape, suggested) for shape, suggested in self._tags()]
        for place, chip in enumerate(self.chips, start=1):
            self._line.insertWidget(place, chip)
        self.setVisible(bool(self.chips))

    def _tags(self) -> list[tuple[Shape, bool]]:
        image_id, project = self._workspace.image_id, self._workspace.project
        if image_id is None:
            return []
        found = [(shape, False) for shape in project.tags_on(image_id)]
        found += [(shape, True) for shape in project.suggestions(image_id)]
        return [(shape, new) for shape, new in found if isinstance(shape.geometry, Tag)]

    def _chip(self, shape: Shape, suggested: bool) -> TagChip:
        cls = next(c for c in self._workspace.project.classes() if c.id == shape.class_id)
        chip = TagChip(cls, shape.score if suggested else None)
        chip.accept_button.setVisible(suggested)
        chip.accept_button.clicked.connect(lambda: self._decide(shape, keep=True))
        chip.remove_button.clicked.connect(
            lambda: self._decide(shape, keep=False) if suggested else self._remove(shape)
        )
        return chip

    def _decide(self, shape: Shape, *, keep: bool) -> None:
        project = self._workspace.project
        decide = project.accept_suggestions if keep else project.reject_suggestions
        self._attempt(lambda: decide(shape.image_id, [shape.id]))

    def _remove(self, shape: Shape) -> None:
        if shape.locked:
            self._refused(EditError(locked_text([shape])))
        else:
            self._attempt(lambda: self._workspace.project.apply(RemoveShapes((shape,))))

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except EngineError as error:
            self._refused(error)

    def _on_image(self, _image_id: int | None) -> None:
        self.refresh()

    def _on_edited(self, image_id: int, _shape_ids: frozenset[int] | None) -> None:
        self._on_changed(image_id)

    def _on_changed(self, image_id: int) -> None:
        if image_id == self._workspace.image_id:
            self.refresh()


class TagChip(QWidget):
    """One tag: the class's colour and name, for a suggestion also its score and a tick.

    Args:
        cls: The class.
        score: How sure the model is that suggests it, None for a tag of one's own.
    """

    def __init__(self, cls: ClassDef, score: float | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        square = QFrame()
        square.setFixedSize(_SQUARE_PX, _SQUARE_PX)
        square.setStyleSheet(f"background: {cls.color}; border-radius: 3px;")
        self.words = TextLabel(
            cls.name
            if score is None
            else tr("{name} {score:.2f}, suggested").format(name=cls.name, score=score)
        )
        self.accept_button = IconButton(
            "accept", tr("It is {name}").format(name=cls.name), size_px=_ICON_PX
        )
        said = (
            tr("Take this class away")
            if score is None
            else tr("It is not {name}").format(name=cls.name)
        )
        self.remove_button = IconButton("reject", said, size_px=_ICON_PX)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(tokens.SPACE_XS)
        line.addWidget(square)
        line.addSpacing(tokens.SPACE_XS)
        for widget in (self.words, self.accept_button, self.remove_button):
            line.addWidget(widget)
        self.setAccessibleName(self.words.text())
