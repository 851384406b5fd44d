"""A form made from fields: rows under headings, values checked as they are typed, changes marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal, SignalInstance
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.runtime.errors import EngineError
from studio.language import tr, tr_engine
from studio.theme import tokens
from studio.widgets.collapsible_section import CollapsibleSection
from studio.widgets.form_fields import Field, format_value
from studio.widgets.form_row import FormRow
from studio.widgets.search_field import SearchField
from studio.widgets.section_header import SectionHeader
from studio.widgets.text_label import TextLabel
from studio.widgets.value_editors import build_editor

_LABEL_WIDTH = 112  # the longest argument names, with the mark of a change
_ROOMY_LABEL_WIDTH = 184


class ValueEditor(Protocol):
    """A control of a form: any widget that has these."""

    edited: SignalInstance

    def raw(self) -> Any:
        """Return what the control holds."""

    def show_value(self, value: Any) -> None:
        """Show a value without a signal."""


EditorFactory = Callable[[Field], Any]


class FormValues(QObject):
    """The values of a form; controls come and go, these stay.

    Signals:
        changed(str): The value of that name was changed, by a person or by the program.
    """

    changed = Signal(str)

    def __init__(self, fields: Sequence[Field], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.fields = {field.name: field for field in fields}
        self._defaults = {field.name: field.default for field in fields}
        self._values = dict(self._defaults)
        self._errors: dict[str, str] = {}

    def value(self, name: str) -> Any:
        """Return a value; while the text of a control cannot be used, the last one that could."""
        return self._values[name]

    def default(self, name: str) -> Any:
        """Return what the value is without anybody's doing."""
        return self._defaults[name]

    def changes(self) -> dict[str, Any]:
        """Return the values that differ from their defaults."""
        return {n: v for n, v in self._values.items() if v != self._defaults[n]}

    def errors(self) -> dict[str, str]:
        """Return why some controls' texts cannot be used, by name."""
        return dict(self._errors)

    def error(self, name: str) -> str:
        """Return why the text of one control cannot be used, empty if it can."""
        return self._errors.get(name, "")

    def is_changed(self, name: str) -> bool:
        """Whether a value differs from its default, or its control holds something unusable."""
        return name in self._errors or self._values[name] != self._defaults[name]

    def take(self, name: str, raw: Any) -> None:
        """Check and keep what a control holds."""
        try:
            self._values[name] = self.fields[name].check(raw)
            self._errors.pop(name, None)
        except EngineError as error:
            self._errors[name] = _short(tr_engine(str(error)), name)
        self.changed.emit(name)

    def set_value(self, name: str, value: Any) -> None:
        """Set a value from the program."""
        self._values[name] = value
        self._errors.pop(name, None)
        self.changed.emit(name)

    def set_default(self, name: str, default: Any) -> None:
        """Change a default; a value that nobody changed follows."""
        follows = not self.is_changed(name)
        self._defaults[name] = default
        if follows:
            self._values[name] = default
        self.changed.emit(name)

    def reset(self, name: str) -> None:
        """Put a value back to its default."""
        self.set_value(name, self._defaults[name])


class FieldRows(QWidget):
    """Rows of a form.

    Args:
        values: What the rows show and change.
        names: Which values, in their order; rows of one group stand together.
        editors: Builders of controls for some names; the others get the usual one of their kind.
        headings: Whether each group has a heading.
        roomy: Wide labels, and the help below each control instead of in its tool tip alone.
    """

    def __init__(
        self,
        values: FormValues,
        names: Sequence[str],
        editors: Mapping[str, EditorFactory] | None = None,
        *,
        headings: bool = True,
        roomy: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._values = values
        self._roomy = roomy
        self._rows: dict[str, FormRow] = {}
        self._controls: dict[str, ValueEditor] = {}
        self._headers: dict[str, SectionHeader] = {}
        self._nothing = TextLabel(tr("Nothing of that name."), "secondary")
        self._nothing.hide()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(tokens.SPACE_S)
        for group in dict.fromkeys(values.fields[name].group for name in names):
            if headings:
                self._headers[group] = SectionHeader(group)
                self._layout.addWidget(self._headers[group])
            for name in names:
                if values.fields[name].group == group or not headings:
                    self._add_row(name, (editors or {}).get(name, build_editor))
            if not headings:
                break
        self._layout.addWidget(self._nothing)
        values.changed.connect(self._show)

    def row(self, name: str) -> FormRow:
        """Return the row of a value."""
        return self._rows[name]

    def names(self) -> list[str]:
        """Return the names of the rows from top to bottom."""
        return list(self._rows)

    def search(self, text: str) -> None:
        """Show only rows in whose name, label, group or help all the words occur."""
        fields = self._values.fields
        found = {name for name in self._rows if fields[name].matches(text)}
        for name, row in self._rows.items():
            row.setVisible(name in found)
        groups = {fields[name].group for name in found}
        for group, header in self._headers.items():
            header.setVisible(group in groups)
        self._nothing.setVisible(not found)

    def _add_row(self, name: str, build: EditorFactory) -> None:
        field = self._values.fields[name]
        control = build(field)
        row = FormRow(
            field.label,
            control,
            field.help if self._roomy else "",
            label_width=_ROOMY_LABEL_WIDTH if self._roomy else _LABEL_WIDTH,
        )
        row.setToolTip(field.tool_tip)
        control.edited.connect(lambda: self._values.take(name, control.raw()))
        row.reset_asked.connect(lambda: self._values.reset(name))
        self._rows[name], self._controls[name] = row, control
        self._layout.addWidget(row)
        self._show(name)

    def _show(self, name: str) -> None:
        row = self._rows.get(name)
        if row is None:
            return
        error = self._values.error(name)
        if not error and self._holds_another(name):
            self._controls[name].show_value(self._values.value(name))
        row.set_changed(self._values.is_changed(name), format_value(self._values.default(name)))
        row.set_error(error)

    def _holds_another(self, name: str) -> bool:
        """Whether the control must be told: not while a person types ``1.`` on the way to ``1.5``."""
        try:
            return self._values.fields[name].check(
                self._controls[name].raw()
            ) != self._values.value(name)
        except EngineError:
            return True


class Form(QWidget):
    """Essential rows on top, the others folded away under Advanced, with a search.

    Signals:
        changed(): Some value or error changed.
    """

    changed = Signal()

    def __init__(
        self,
        fields: Sequence[Field],
        essential: Sequence[str],
        editors: Mapping[str, EditorFactory] | None = None,
        parent: QWidget | None = None,
        *,
        roomy: bool = False,
    ) -> None:
        super().__init__(parent)
        self.values = FormValues(fields, self)
        self.values.changed.connect(lambda _name: self._on_changed())
        self._editors = editors or {}
        known = [name for name in essential if name in self.values.fields]
        self._others = [name for name in self.values.fields if name not in known]
        self.essentials = FieldRows(self.values, known, editors, headings=False, roomy=roomy)
        self.others: FieldRows | None = None
        self.search = SearchField(tr("Search the advanced arguments"))
        self.advanced = CollapsibleSection(tr("Advanced"), expanded=False)
        self.advanced.header.pressed.connect(self._build_others)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_S)
        layout.addWidget(self.essentials)
        layout.addWidget(self.advanced)
        self.advanced.setVisible(bool(self._others))

    def row(self, name: str) -> FormRow:
        """Return the row of a value, opening Advanced if it lies there."""
        if name in self._others:
            return self.open_advanced().row(name)
        return self.essentials.row(name)

    def open_advanced(self) -> FieldRows:
        """Unfold the other rows and return them."""
        others = self._build_others()
        self.advanced.set_expanded(True)
        return others

    def _build_others(self) -> FieldRows:
        """Make the many rows only when somebody wants to see them."""
        if self.others is not None:
            return self.others
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_S)
        self.others = FieldRows(self.values, self._others, self._editors)
        self.search.search_changed.connect(self.others.search)
        layout.addWidget(self.search)
        layout.addWidget(self.others)
        self.advanced.set_content(content)
        return self.others

    def _on_changed(self) -> None:
        changed = sum(self.values.is_changed(name) for name in self._others)
        self.advanced.header.setText(
            tr("Advanced · {changed} changed").format(changed=changed)
            if changed
            else tr("Advanced")
        )
        self.changed.emit()


def _short(message: str, name: str) -> str:
    """A row names its value already."""
    for prefix in (
        tr("argument {name}").format(name=name),
        tr("setting {name}").format(name=name),
        name,
    ):
        if message.startswith(f"{prefix} "):
            message = message.removeprefix(prefix).strip()
            break
    return message[:1].upper() + message[1:]
