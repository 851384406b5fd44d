"""The shapes of the current image as a list that follows the canvas's selection, and leads it."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.model.edits import assign_class
from studio.model.records import Shape
from studio.model.workspace import Workspace
from studio.theme import tokens
from studio.widgets.text_label import TextLabel

_ID_ROLE = Qt.ItemDataRole.UserRole + 1
_WORDS = {
    "Box": "box",
    "OrientedBox": "rotated box",
    "Polygon": "polygon",
    "Polyline": "line",
    "Mask": "mask",
    "Keypoints": "keypoints",
    "Tag": "tag",
}
_SOURCES = {"drawn": "drawn by hand", "imported": "imported", "model": "accepted from a model"}


class ObjectsPanel(QWidget):
    """The list, and below it what is known of the selected shape."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._echo = False
        self._shapes: list[Shape] = []
        self.list = _ObjectList()
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(12, 12))
        self.list.setAccessibleName("Objects on this image")
        self.list.itemSelectionChanged.connect(self._on_list_selection)
        self.empty = TextLabel("No shapes on this image yet", "secondary")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.class_box = QComboBox()
        self.class_box.setAccessibleName("Class of the selected shapes")
        self.class_box.activated.connect(self._on_class_chosen)
        self._facts = {
            name: TextLabel("", "secondary") for name in ("Kind", "Size", "Area", "Source")
        }
        self._details = QWidget()
        self._lay_out()
        workspace.image_changed.connect(self._refill)
        workspace.selection_changed.connect(self._on_selection)
        workspace.project.shapes_changed.connect(self._on_shapes_changed)
        workspace.project.classes_changed.connect(self._refill)
        self._refill()

    def _lay_out(self) -> None:
        form = QFormLayout(self._details)
        form.setContentsMargins(tokens.SPACE_M, tokens.SPACE_S, tokens.SPACE_M, tokens.SPACE_M)
        form.setVerticalSpacing(tokens.SPACE_XS)
        form.addRow(TextLabel("Class", "secondary"), self.class_box)
        for name, value in self._facts.items():
            form.addRow(TextLabel(name, "secondary"), value)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.empty, 1)
        layout.addWidget(self._details)

    def _on_shapes_changed(self, image_id: int) -> None:
        if image_id == self._workspace.image_id:
            self._refill()

    def _refill(self, *_: object) -> None:
        image_id = self._workspace.image_id
        project = self._workspace.project
        self._shapes = project.shapes(image_id) if image_id is not None else []
        classes = {cls.id: cls for cls in project.classes()}
        icons = {cls.id: _dot(cls.color) for cls in classes.values()}
        self._echo = True
        self.list.clear()
        for number, shape in enumerate(self._shapes, start=1):
            kind = _WORDS[type(shape.geometry).__name__]
            item = QListWidgetItem(
                icons[shape.class_id], f"{classes[shape.class_id].name}  #{number}  {kind}"
            )
            item.setData(_ID_ROLE, shape.id)
            self.list.addItem(item)
        self.class_box.clear()
        for cls in classes.values():
            self.class_box.addItem(icons[cls.id], cls.name, cls.id)
        self._echo = False
        self.list.setVisible(bool(self._shapes))
        self.empty.setVisible(not self._shapes)
        self._on_selection(self._workspace.selection)

    def _on_list_selection(self) -> None:
        if not self._echo:
            self._workspace.select([item.data(_ID_ROLE) for item in self.list.selectedItems()])

    def _on_selection(self, shape_ids: tuple[int, ...]) -> None:
        chosen = set(shape_ids)
        self._echo = True
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setSelected(item.data(_ID_ROLE) in chosen)
            if item.data(_ID_ROLE) in chosen and len(chosen) == 1:
                index = self.list.indexFromItem(item)
                flag = QItemSelectionModel.SelectionFlag.NoUpdate
                self.list.selectionModel().setCurrentIndex(index, flag)
                self.list.scrollToItem(item)
        self._echo = False
        self._show_details([shape for shape in self._shapes if shape.id in chosen])

    def _show_details(self, shapes: list[Shape]) -> None:
        self._details.setVisible(bool(shapes))
        if not shapes:
            return
        classes = {shape.class_id for shape in shapes}
        self.class_box.setCurrentIndex(
            self.class_box.findData(shapes[0].class_id) if len(classes) == 1 else -1
        )
        for name, text in _describe(shapes).items():
            self._facts[name].setText(text)

    def _on_class_chosen(self, row: int) -> None:
        shapes = self._workspace.selected_shapes()
        class_id = self.class_box.itemData(row)
        changed = [shape for shape in shapes if shape.class_id != class_id]
        if changed:
            self._workspace.project.apply(assign_class(changed, class_id))


class _ObjectList(QListWidget):
    """Letters typed here are shortcuts."""

    def keyboardSearch(self, search: str) -> None:
        """Search nothing."""


def _describe(shapes: list[Shape]) -> dict[str, str]:
    area = sum(shape.geometry.area() for shape in shapes)
    if len(shapes) > 1:
        return {
            "Kind": f"{len(shapes)} shapes",
            "Size": "–",
            "Area": f"{area:,.0f} px²",
            "Source": "–",
        }
    shape = shapes[0]
    x1, y1, x2, y2 = shape.geometry.bounds()
    source = _SOURCES.get(shape.source, shape.source)
    if shape.score is not None:
        source += f", score {shape.score:.2f}"
    return {
        "Kind": _WORDS[type(shape.geometry).__name__],
        "Size": f"{x2 - x1:.1f} × {y2 - y1:.1f} px",
        "Area": f"{area:,.0f} px²",
        "Source": source,
    }


def _dot(color: str) -> QIcon:
    picture = QPixmap(24, 24)
    picture.setDevicePixelRatio(2.0)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawRoundedRect(1, 1, 10, 10, 3, 3)
    painter.end()
    return QIcon(picture)
