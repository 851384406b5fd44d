"""Classes of whole images by single keys: look, press, next."""

from __future__ import annotations

from engine.data.annotations import Tag
from studio.language import tr
from studio.model.edits import AddShapes, Batch, Edit, RemoveShapes
from studio.model.locks import locked_text, unlocked
from studio.model.records import ClassDef, Shape, new_shape
from studio.tools.base import Key, Notice, Pointer, Preview
from studio.tools.scene import Scene

_CLEAR = "0"
_DIGITS = "123456789"


class ImageClassTool:
    """1 to 9, or a class's own key, says what the image is; 0 takes that back; Enter goes on to the next image."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.notice = Notice()

    def pointer(self, event: Pointer) -> Edit | None:
        """Clicks mean nothing here."""
        return None

    def key(self, event: Key) -> Edit | None:
        """Give the image the class of the key, or take it away."""
        if event.name == "enter":
            self.notice.next_image = True
            return None
        before = [shape for shape in self.scene.shapes() if isinstance(shape.geometry, Tag)]
        if event.text == _CLEAR:
            self.notice.text = locked_text(before)
            free = tuple(unlocked(before))
            return RemoveShapes(free, tr("Take the image's classes away")) if free else None
        cls = self._class_of(event)
        return None if cls is None else self._give(cls, before)

    def wants(self, event: Key) -> bool:
        """Tell whether the key stands for a class, clears, or goes on."""
        if event.ctrl or event.alt:
            return False
        return event.name == "enter" or event.text == _CLEAR or self._class_of(event) is not None

    def cancel(self) -> None:
        """Nothing is ever half done here."""

    def preview(self) -> Preview:
        """Return nothing to draw."""
        return Preview()

    def _class_of(self, event: Key) -> ClassDef | None:
        classes = self.scene.classes
        if event.text and event.text in _DIGITS:
            place = _DIGITS.index(event.text)
            return classes[place] if place < len(classes) else None
        return next((c for c in classes if event.text and c.shortcut.lower() == event.text), None)

    def _give(self, cls: ClassDef, before: list[Shape]) -> Edit | None:
        options = self.scene.options
        same = [shape for shape in before if shape.class_id == cls.id]
        others = [shape for shape in before if shape.class_id != cls.id]
        goes_on = options.advance and options.one_class
        takes_back = bool(same) and not (goes_on or (options.one_class and others))
        gone = same if takes_back else others if options.one_class else []
        if left := locked_text(gone):  # beside it the image would have two classes
            self.notice.text = left
            return None
        self.notice.next_image = goes_on
        if takes_back:
            return RemoveShapes(tuple(same), tr("This image is not {name}").format(name=cls.name))
        edits: list[Edit] = []
        if others and options.one_class:
            edits.append(RemoveShapes(tuple(others)))
        if not same:
            tagged = new_shape(self.scene.image_id, cls.id, Tag(), attributes=cls.defaults())
            edits.append(AddShapes((tagged,)))
        return (
            Batch(tuple(edits), tr("This image is {name}").format(name=cls.name)) if edits else None
        )
