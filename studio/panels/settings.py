"""The Settings page: generated from the settings' schema; every change is written at once."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from engine.runtime.errors import EngineError
from engine.runtime.settings import SettingsManager, settings
from studio.language import tr
from studio.theme import tokens
from studio.widgets.collapsible_section import CollapsibleSection
from studio.widgets.form import FieldRows, FormValues
from studio.widgets.form_fields import setting_fields
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.path_text import path_text
from studio.widgets.search_field import SearchField
from studio.widgets.text_label import TextLabel

_WIDTH = 720  # a line of form longer than this is hard to follow


class SettingsPanel(QWidget):
    """All settings, grouped and searchable, each with a way back to its default.

    Signals:
        changed(str): The setting of that name was written.

    Args:
        manager: The settings, the same object as ``engine.settings``.
    """

    changed = Signal(str)

    def __init__(self, manager: SettingsManager = settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._manager = manager
        self._reading = False
        fields = setting_fields(manager.schema)
        self.values = FormValues(fields, self)
        used = [field.name for field in fields if field.editable]
        self._unused = [field.name for field in fields if not field.editable]
        self.rows = FieldRows(self.values, used, roomy=True)
        self.others = FieldRows(self.values, self._unused, roomy=True)
        self._others_section = CollapsibleSection(
            tr("Without effect in this version"), expanded=False
        )
        self._others_section.set_content(self.others)
        if not self._unused:
            self._others_section.hide()  # shown by its parent else: without one it would be a window
        self.search = SearchField(tr("Search the settings"))
        self.search.search_changed.connect(self._on_search)
        self.banner = MessageBanner()
        self._path = TextLabel("", "secondary")
        self.folder_button = TextButton(tr("Open its folder"), "link")
        self.folder_button.clicked.connect(self._on_open_folder)
        self._lay_out()
        self.refresh()
        self.values.changed.connect(self._on_changed)

    def refresh(self) -> None:
        """Read the file again: the command line and other windows write to it too."""
        self._reading = True
        for name in self.values.fields:
            value = self._manager[name]
            if name in self._unused:
                self.values.set_default(name, value)
            if self.values.value(name) != value:
                self.values.set_value(name, value)
        self._reading = False
        self._path.setText(tr("Kept in {path}").format(path=path_text(self._manager.path)))

    def _on_changed(self, name: str) -> None:
        if self._reading or self.values.error(name):
            return
        value = self.values.value(name)
        if self._manager[name] == value:
            return
        try:
            self._manager[name] = value
        except (EngineError, OSError) as error:
            self.banner.show_message(tr("The setting could not be written."), str(error))
            return
        self.changed.emit(name)

    def _on_search(self, text: str) -> None:
        self.rows.search(text)
        self.others.search(text)
        if text and any(self.values.fields[name].matches(text) for name in self._unused):
            self._others_section.set_expanded(True)

    def _on_open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._manager.path).parent)))

    def _lay_out(self) -> None:
        place = QHBoxLayout()
        place.setSpacing(tokens.SPACE_S)
        place.addWidget(self._path)
        place.addWidget(self.folder_button)
        place.addStretch()
        content = QWidget()
        content.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(content)
        column.setContentsMargins(tokens.SPACE_XL, tokens.SPACE_L, tokens.SPACE_XL, tokens.SPACE_XL)
        column.setSpacing(tokens.SPACE_M)
        column.addWidget(TextLabel(tr("Settings"), "title"))
        column.addLayout(place)
        column.addWidget(self.search)
        for widget in (self.banner, self.rows, self._others_section):
            column.addWidget(widget)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what the file says now."""
        super().showEvent(event)
        self.refresh()
