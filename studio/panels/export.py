"""The Export page: what each format is for, its own options, and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QColor, QDesktopServices, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from engine.cfg.schema import arguments_for
from engine.export.formats import FORMATS, ExportFormat
from studio.jobs.client import JobsClient, RunsWatcher
from studio.jobs.messages import Exported
from studio.jobs.shown_job import ShownJob
from studio.language import tr, tr_engine
from studio.model.model_files import CHECKPOINTS
from studio.model.project import Project
from studio.model.runs import RunSnapshot, read_args
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.widgets.form import Form
from studio.widgets.form_fields import argument_fields
from studio.widgets.form_row import FormRow
from studio.widgets.icon_button import TextButton
from studio.widgets.model_picker import ModelPicker
from studio.widgets.path_text import path_text
from studio.widgets.text_label import TextLabel

AnyIndex = QModelIndex | QPersistentModelIndex

# Which file suits which purpose: the user's question, not the format's history.
_PURPOSES = {
    "onnx": tr("Runs nearly everywhere: C++, C#, Java, web, most accelerators"),
    "torchscript": tr("PyTorch programs in C++ or Python, without this program"),
    "openvino": tr("Intel processors, GPUs and NPUs"),
    "engine": tr("NVIDIA GPUs at full speed, Jetson"),
    "coreml": tr("iPhone, iPad, Mac"),
    "coreai": tr("Apple's newer devices"),
    "saved_model": tr("TensorFlow servers"),
    "pb": tr("Older TensorFlow programs"),
    "edgetpu": tr("Google Coral"),
    "tflite": tr("Android, microcontrollers"),
    "tfjs": tr("Web browsers"),
    "paddle": tr("PaddlePaddle servers"),
    "mnn": tr("Mobile, Alibaba's runtime"),
    "ncnn": tr("Phones and small boards, without a GPU"),
    "imx": tr("Sony IMX500 cameras, Raspberry Pi AI camera"),
    "rknn": tr("Rockchip NPUs"),
    "executorch": tr("PyTorch on phones"),
    "axelera": tr("Axelera AI accelerators"),
    "deepx": tr("DEEPX accelerators"),
    "qnn": tr("Qualcomm NPUs"),
    "hailo": tr("Hailo accelerators"),
    "ascend": tr("Huawei Ascend"),
    "xilinx": tr("AMD Xilinx FPGAs"),
}
_ALWAYS = ("imgsz", "device")
# They belong to the removal of duplicates and say nothing without it.
_WITH_NMS = ("conf", "iou", "max_det", "agnostic_nms")
_LABELS = {
    "imgsz": tr("Image size"),
    "device": tr("Device"),
    "batch": tr("Batch"),
    "dynamic": tr("Any size and batch"),
    "half": tr("16-bit numbers"),
    "simplify": tr("Simplify"),
    "opset": tr("Operator set"),
    "nms": tr("Remove duplicates"),
    "optimize": tr("For phones"),
}
_FORMATS_WIDTH = 380
_ROLE = Qt.ItemDataRole.UserRole
_GOOD_DIFF = 1e-3  # float32 kernels differ by rounding only


class ExportPanel(QWidget):
    """Writes a model for other programs.

    Signals:
        exported(object): An :class:`Exported` result.

    Args:
        project: Lends an image to compare on.
        jobs: Runs the export.
        watcher: Tells which models there are.
    """

    exported = Signal(object)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        watcher: RunsWatcher,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._jobs = jobs
        self.picker = ModelPicker(" ".join(CHECKPOINTS), folders=False)
        self.picker.chosen.connect(lambda _path: self._show_format())
        self.formats = QListWidget()
        self.formats.setAccessibleName(tr("Formats"))
        self.formats.setItemDelegate(_FormatDelegate(self.formats))
        for found in sorted(FORMATS, key=lambda f: (not f.is_writable, f.key != "onnx")):
            self.formats.addItem(_item(found))
        self.formats.currentItemChanged.connect(lambda *_: self._show_format())
        self._title = TextLabel("", "title")
        self._purpose = TextLabel("", "secondary", wrap=True)
        self.form: Form | None = None
        self._form_place = QVBoxLayout()
        self.export_button = TextButton(tr("Export"), "primary", "export")
        self.export_button.clicked.connect(self.export)
        self._running = ShownJob(tr("Exporting"), self)
        self._running.ended.connect(self._offer)
        self.progress, self.banner = self._running.progress, self._running.banner
        self.results = QVBoxLayout()
        self._lay_out()
        self.formats.setCurrentRow(0)
        watcher.runs_changed.connect(self._on_runs)
        self._on_runs(watcher.runs)

    @property
    def format(self) -> ExportFormat:
        """Return the chosen format."""
        return self.formats.currentItem().data(_ROLE)

    def show_model(self, path: Path) -> None:
        """Choose a model."""
        self.picker.set_path(path)

    def choose_format(self, key: str) -> None:
        """Choose a format."""
        for row in range(self.formats.count()):
            if self.formats.item(row).data(_ROLE).key == key:
                self.formats.setCurrentRow(row)

    def export(self) -> None:
        """Write the file, then compare it with the model on an image of the project."""
        model = self.picker.path()
        if model is None or self._running.is_running or self.form is None:
            return
        self.banner.hide()
        arguments = {**self._trained_size(), **self.form.values.changes()}
        if not arguments.get("nms"):
            # without the check mark the engine chooses: nms=False would ask for another branch
            arguments = {n: v for n, v in arguments.items() if n not in ("nms", *_WITH_NMS)}
        job = self._jobs.export(model, self.format.key, self._image(), arguments)
        title = tr("Exporting to {name}").format(name=self.format.name)
        self._running.follow(job, title, self._on_finished)
        self._offer()

    def _on_runs(self, runs: Sequence[RunSnapshot]) -> None:
        self.picker.show_runs(runs)
        self._offer()

    def _show_format(self) -> None:
        """Show the options of the chosen format only."""
        found = self.format
        self._title.setText(found.name)
        purpose = tr("{purpose}.").format(purpose=_PURPOSES.get(found.key, ""))
        self._purpose.setText("\n\n".join([purpose, *_what_else(found)]))
        if self.form is not None:
            self._form_place.removeWidget(self.form)
            self.form.deleteLater()
        self.form = None
        if found.is_writable:
            wanted = found.options | set(_ALWAYS)
            wanted |= set(_WITH_NMS) if "nms" in wanted else set()
            arguments = [a for a in arguments_for("export") if a.name in wanted]
            fields = argument_fields(arguments, "export", _LABELS)
            first = [field.name for field in fields if field.name not in _WITH_NMS]
            self.form = Form(fields, first, roomy=True)
            trained = self._trained_size()
            if trained:
                self.form.values.set_default("imgsz", trained["imgsz"])
            self.form.changed.connect(self._offer)
            if "nms" in self.form.values.fields:
                self.form.values.changed.connect(lambda _name: self._show_duplicates())
                self._show_duplicates()
            self._form_place.addWidget(self.form)
        self._offer()

    def _show_duplicates(self) -> None:
        """Offer what governs the removal of duplicates once that is asked for."""
        if self.form is not None:
            self.form.advanced.setVisible(bool(self.form.values.value("nms")))

    def _trained_size(self) -> dict[str, Any]:
        path = self.picker.path()
        size = read_args(path.parent.parent).get("imgsz") if path is not None else None
        return {} if size is None else {"imgsz": size}

    def _image(self) -> Path | None:
        """A real image of the project to compare on."""
        ids = self._project.image_ids()
        records = self._project.images(ids[:1])
        return records[0].path if records else None

    def _offer(self) -> None:
        running = self._running.is_running
        ready = self.picker.path() is not None and self.form is not None
        errors = self.form.values.errors() if self.form is not None else {}
        self.export_button.setVisible(self.format.is_writable and not running)
        self.export_button.setEnabled(ready and not errors and not running)
        self.export_button.setText(tr("Export to {name}").format(name=self.format.name))

    def _on_finished(self, result: Exported) -> None:
        self.results.insertWidget(0, _ResultRow(result))
        self.exported.emit(result)

    def _lay_out(self) -> None:
        left = QFrame()
        left.setProperty("role", "panel")
        left.setFixedWidth(_FORMATS_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, 0, 0)
        column.setSpacing(tokens.SPACE_S)
        column.addWidget(TextLabel(tr("Export"), "title"))
        row = FormRow(tr("Model"), self.picker, label_width=56)
        column.addWidget(row)
        column.addWidget(self.formats, 1)
        content = QWidget()
        content.setMaximumWidth(2 * _FORMATS_WIDTH)
        right = QVBoxLayout(content)
        right.setContentsMargins(tokens.SPACE_XL, tokens.SPACE_M, tokens.SPACE_XL, tokens.SPACE_L)
        right.setSpacing(tokens.SPACE_M)
        right.addWidget(self._title)
        right.addWidget(self._purpose)
        right.addLayout(self._form_place)
        for widget in (self.banner, self.progress):
            right.addWidget(widget)
        right.addWidget(self.export_button, 0, Qt.AlignmentFlag.AlignLeft)
        right.addLayout(self.results)
        right.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(content)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(left)
        layout.addWidget(scroll, 1)


class _ResultRow(QFrame):
    """What came out of one export: where, how large, how long, how exact."""

    def __init__(self, result: Exported, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.result = result
        self.setProperty("role", "card")
        path = Path(result.path)
        name = TextLabel(path.name, "body")
        folder = TextLabel(path_text(path.parent), "caption")
        folder.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        exact = TextLabel(_exactness(result), _tone(result), wrap=True)
        figures = TextLabel(
            tr("{size_bytes:.1f} MB · written in {seconds:.1f} s").format(
                size_bytes=result.size_bytes / 1e6, seconds=result.seconds
            ),
            "secondary",
        )
        self.reveal_button = TextButton(tr("Reveal in folder"), "normal", "folder_open")
        self.reveal_button.clicked.connect(
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
        )
        words = QVBoxLayout()
        words.setSpacing(tokens.SPACE_XS)
        for label in (name, folder, figures, exact):
            words.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(tokens.SPACE_M, tokens.SPACE_M, tokens.SPACE_M, tokens.SPACE_M)
        row.addLayout(words, 1)
        row.addWidget(self.reveal_button, 0, Qt.AlignmentFlag.AlignTop)


def _what_else(found: ExportFormat) -> list[str]:
    """What must be done before a format can be written, or instead."""
    if not found.is_writable:
        return [tr_engine(found.way)]
    missing = found.missing()
    return (
        [tr("Install first: {commands}").format(commands=tr_engine("; ".join(missing)))]
        if missing
        else []
    )


def _exactness(result: Exported) -> str:
    if result.max_abs_diff is None:
        return tr("Not compared with the model.")
    where = (
        tr(" on {name}").format(name=Path(result.image).name)
        if result.image
        else tr(" on a drawn image")
    )
    return tr("Largest difference to the PyTorch model{where}: {max_abs_diff:.2g}").format(
        where=where, max_abs_diff=result.max_abs_diff
    )


def _tone(result: Exported) -> Any:
    exact = result.max_abs_diff is not None and result.max_abs_diff <= _GOOD_DIFF
    return "success" if exact else "warning"


class _FormatDelegate(QStyledItemDelegate):
    """Two lines: the format's name, and what it is for; fainter where another tool is needed."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return the height of two lines."""
        return QSize(0, 2 * tokens.CONTROL_HEIGHT - tokens.SPACE_S)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw one format."""
        option.widget.style().drawPrimitive(
            QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget
        )
        colors = current_colors()
        found = index.data(_ROLE)
        place = option.rect.adjusted(tokens.SPACE_S, tokens.SPACE_XS, -tokens.SPACE_S, 0)
        painter.setFont(font(tokens.FONT_BODY, bold=found.is_writable))
        painter.setPen(QColor(colors.text if found.is_writable else colors.secondary))
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, found.name)
        painter.setFont(font(tokens.FONT_CAPTION))
        painter.setPen(QColor(colors.secondary))
        if not found.is_writable:
            painter.drawText(
                place,
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop,
                tr("by another tool"),
            )
        lower = place.adjusted(0, tokens.CONTROL_HEIGHT - tokens.SPACE_S, 0, 0)
        text = painter.fontMetrics().elidedText(
            index.data(), Qt.TextElideMode.ElideRight, lower.width()
        )
        painter.drawText(lower, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, text)


def _item(found: ExportFormat) -> QListWidgetItem:
    item = QListWidgetItem(_PURPOSES.get(found.key, found.name))
    item.setData(_ROLE, found)
    item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{found.name}: {item.text()}")
    item.setToolTip(tr_engine(found.way))
    return item
