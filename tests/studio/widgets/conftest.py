"""A themed application for the widget tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from studio.theme.theme import Theme, find_theme


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The application's theme, dark at the beginning of each test."""
    theme = find_theme() or Theme(qapp)
    theme.set_mode("dark")
    yield theme
    theme.set_mode("dark")
