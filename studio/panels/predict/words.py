"""The words that an open-vocabulary model looks for: typed with commas between, or taken from those used before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QWidget

from studio.language import tr
from studio.model.auto_annotation import ClassRule
from studio.model.project import Project
from studio.theme import tokens
from studio.widgets.icon_button import IconButton

_USED, _RULES = "predict.words", "predict.word_rules"
_KEPT = 12  # a menu is read at a glance
_MOST_SHOWN = 48


class WordsField(QWidget):
    """A line of words, and a button with the lines of before.

    Signals:
        edited(): The text changed; it may still be typed on.
        finished(): The person is done with it, or has taken words of before.

    Args:
        project: Keeps the words and what became of each.
    """

    edited = Signal()
    finished = Signal()

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self.line = QLineEdit()
        self.line.setAccessibleName(tr("Words"))
        self.line.setPlaceholderText(tr("scratch, dent, red bolt"))
        self.line.textChanged.connect(lambda _text: self.edited.emit())
        self.line.editingFinished.connect(self.finished)
        self.before = IconButton("history", tr("Words used before"))
        self.before.clicked.connect(self._open_menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(tokens.SPACE_XS)
        row.addWidget(self.line, 1)
        row.addWidget(self.before)
        self.setFocusProxy(self.line)
        self._offer()

    def text(self) -> str:
        """Return what the line says."""
        return self.line.text()

    def set_text(self, text: str) -> None:
        """Let the line say something."""
        self.line.setText(text)

    def used(self) -> list[str]:
        """Return the lines of before, the latest first."""
        found = self._project.recall(_USED, [])
        return [str(text) for text in found] if isinstance(found, list) else []

    def keep(self, rules: dict[str, ClassRule]) -> None:
        """Take note that the present words were used, and of what became of each."""
        text = ", ".join(split_words(self.text()))
        others = [line for line in self.used() if line.casefold() != text.casefold()]
        self._project.remember(_USED, [text, *others][:_KEPT])
        known = self._project.recall(_RULES, {}) or {}
        fresh = {word: asdict(rules.get(word, ClassRule())) for word in split_words(text)}
        self._project.remember(_RULES, {**known, **fresh})
        self._offer()

    def rules(self) -> dict[str, ClassRule]:
        """Return what became of words when they were used last."""
        known = self._project.recall(_RULES, {}) or {}
        classes = {cls.id for cls in self._project.classes()}
        found = {word: _rule(values) for word, values in known.items()}
        return {
            word: rule
            for word, rule in found.items()
            if rule is not None and (rule.class_id is None or rule.class_id in classes)
        }

    def menu(self) -> QMenu:
        """Return a menu of the lines of before."""
        menu = QMenu(self)
        for text in self.used():
            shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
            action = menu.addAction(shown.replace("&", "&&"))
            action.triggered.connect(lambda _checked, line=text: self._take(line))
        return menu

    def _take(self, text: str) -> None:
        self.line.setText(text)
        self.finished.emit()

    def _open_menu(self) -> None:
        self.menu().popup(self.before.mapToGlobal(QPoint(0, self.before.height())))

    def _offer(self) -> None:
        self.before.setEnabled(bool(self.used()))


def split_words(text: str) -> list[str]:
    """Return the phrases of a line, spaces put straight.

    >>> split_words(" red  bolt, dent,")
    ['red bolt', 'dent']
    """
    words = (" ".join(part.split()) for part in text.split(","))
    return [word for word in words if word]


def words_problem(words: Sequence[str]) -> str:
    """Return why a model cannot look for these words, empty where it can."""
    if not words:
        return tr("Say what to look for: one word or several, with commas between.")
    seen: set[str] = set()
    for word in words:
        if word.casefold() in seen:
            return tr("“{word}” is there twice: leave one out.").format(word=word)
        seen.add(word.casefold())
    return ""


def _rule(values: Any) -> ClassRule | None:
    """Return a rule that was kept, None where it is of another version."""
    try:
        return ClassRule(**values)
    except TypeError:
        return None
