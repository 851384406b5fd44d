"""The one stylesheet of the window, built from the tokens.

Widgets choose a look through dynamic properties, never through colours of their own:

- ``QPushButton[kind="primary" | "danger" | "quiet" | "link"]``
- ``QToolButton[kind="rail" | "tool" | "word" | "option" | "section"]``
- ``QLabel[role="title" | "number" | "secondary" | "caption" | "section" | "danger" | "warning" | "success"]``
- ``QFrame[role="card" | "panel" | "strip" | "hairline" | "vertical" | "drop"]``,
  ``QFrame[tone="info" | "success" | "warning" | "danger"]`` (banners)
"""

from __future__ import annotations

from string import Template

from studio.theme import tokens
from studio.theme.resources import resource_path
from studio.theme.tokens import Colors

# Qt's stylesheet syntax uses braces, so the places to fill are $name and not {name}.
_BASE = """
QWidget { color: $text; font-size: ${body}px; }
QMainWindow, QDialog { background: $window; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 4px 8px; }
QLabel { background: transparent; }
QLabel:disabled { color: $disabled; }
QLabel[role="title"] { font-size: ${title}px; font-weight: 600; }
QLabel[role="number"] { font-size: ${number}px; font-weight: 600; }
QLabel[role="section"] { font-size: ${secondary_size}px; font-weight: 600; color: $secondary; }
QLabel[role="secondary"] { font-size: ${secondary_size}px; color: $secondary; }
QLabel[role="caption"] { font-size: ${caption}px; color: $secondary; }
QLabel[role="danger"] { color: $danger_text; }
QLabel[role="warning"] { color: $warning_text; }
QLabel[role="success"] { color: $success_text; }
QFrame[role="panel"] { background: $panel; border: none; }
QFrame[role="strip"] { background: $panel; border: none; border-bottom: 1px solid $line; }
QFrame[role="card"] { background: $raised; border: 1px solid $line; border-radius: ${radius_card}px; }
QFrame[role="card"]:focus, QFrame[role="card"][open="true"] { border-color: $accent; }
QFrame[role="drop"] { background: transparent; border: 1px dashed $outline; border-radius: ${radius_card}px; }
QFrame[role="hairline"] { background: $line; border: none; max-height: 1px; min-height: 1px; }
QFrame[role="vertical"] { background: $line; border: none; max-width: 1px; min-width: 1px; }
QFrame[tone] { background: $raised; border: 1px solid $line; border-left: 4px solid $accent; border-radius: ${radius}px; }
QFrame[tone="success"] { border-left-color: $success; }
QFrame[tone="warning"] { border-left-color: $warning; }
QFrame[tone="danger"] { border-left-color: $danger; }
"""

_BUTTONS = """
QPushButton { background: $raised; border: 1px solid $outline; border-radius: ${radius}px; padding: 0 12px;
  min-height: ${inner}px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed, QPushButton:checked { background: $pressed; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $disabled; border-color: $line; background: transparent; }
QPushButton[kind="primary"] { background: $accent_fill; border-color: $accent_fill; color: $on_accent; font-weight: 600; }
QPushButton[kind="primary"]:hover { background: $accent_fill_hover; border-color: $accent_fill_hover; }
QPushButton[kind="primary"]:focus { border-color: $text; }
QPushButton[kind="primary"]:disabled { background: $pressed; border-color: $pressed; color: $disabled; }
QPushButton[kind="danger"] { background: $danger_fill; border-color: $danger_fill; color: $on_accent; }
QPushButton[kind="danger"]:hover { background: $danger_fill_hover; border-color: $danger_fill_hover; }
QPushButton[kind="danger"]:focus { border-color: $text; }
QPushButton[kind="quiet"] { background: transparent; border-color: transparent; }
QPushButton[kind="quiet"]:hover { background: $hover; }
QPushButton[kind="quiet"]:focus { border-color: $accent; }
QPushButton[kind="link"] { background: transparent; border: none; color: $accent_text; padding: 0 4px; }
QPushButton[kind="link"]:hover, QPushButton[kind="link"]:focus { text-decoration: underline; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: ${radius}px; padding: 4px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $pressed; }
QToolButton:checked { background: $selection; color: $text; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $disabled; }
QToolButton::menu-indicator { image: none; }
QToolButton[kind="tool"] { min-width: ${tool_inner}px; min-height: ${tool_inner}px; padding: 0; }
QToolButton[kind="word"] { min-height: ${tool_inner}px; padding: 0 8px 0 6px; }
QToolButton[kind="option"] { min-height: ${inner}px; padding: 0 8px 0 6px; }
QToolButton[kind="section"] { font-weight: 600; text-align: left; padding: 0; min-height: ${inner}px; }
QToolButton[kind="section"]:checked { background: transparent; }
QToolButton[kind="section"]:hover { background: $hover; }
QToolButton[kind="rail"] { font-size: ${caption}px; padding: 4px 0; border-radius: ${radius}px; color: $secondary; }
QToolButton[kind="rail"]:checked { color: $text; }
"""

_FIELDS = """
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit { background: $raised;
  border: 1px solid $outline; border-radius: ${radius}px; selection-background-color: $selection;
  selection-color: $text; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox { padding: 0 8px; min-height: ${inner}px; }
QSpinBox QLineEdit, QDoubleSpinBox QLineEdit, QComboBox QLineEdit { border: none; background: transparent;
  padding: 0; min-height: 0; }
QSpinBox, QDoubleSpinBox { padding: 0 0 0 8px; min-height: ${spin_inner}px; }
QPlainTextEdit, QTextEdit { padding: 4px; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus {
  border-color: $accent; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled { color: $disabled;
  border-color: $line; background: transparent; }
QLineEdit[invalid="true"], QSpinBox[invalid="true"], QComboBox[invalid="true"] { border-color: $danger; }
QSpinBox::up-button, QDoubleSpinBox::up-button { subcontrol-position: top right; width: 20px; border: none; }
QSpinBox::down-button, QDoubleSpinBox::down-button { subcontrol-position: bottom right; width: 20px; border: none; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url("$chevron_up"); width: 12px; height: 12px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url("$chevron_down"); width: 12px; height: 12px; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url("$chevron_down"); width: 16px; height: 16px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $line; padding: 4px; outline: none;
  selection-background-color: $selection; selection-color: $text; }
QCheckBox, QRadioButton { spacing: 8px; min-height: 20px; background: transparent; }
QCheckBox:disabled, QRadioButton:disabled { color: $disabled; }
QCheckBox::indicator, QRadioButton::indicator { width: 16px; height: 16px; border: 1px solid $outline;
  background: $raised; }
QCheckBox::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: 9px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover, QCheckBox::indicator:focus,
QRadioButton::indicator:focus { border-color: $accent; }
QCheckBox::indicator:checked { background: $accent_fill; border-color: $accent_fill; image: url("$check"); }
QCheckBox::indicator:indeterminate { background: $accent_fill; border-color: $accent_fill; image: url("$dash"); }
QRadioButton::indicator:checked { background: $accent_fill; border-color: $accent_fill; image: url("$dot"); }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { border-color: $line; background: $pressed; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $pressed; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $accent; }
QSlider::handle:horizontal { width: 14px; height: 14px; margin: -6px 0; border-radius: 8px; background: $raised;
  border: 1px solid $outline; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { border-color: $accent; }
QProgressBar { background: $pressed; border: none; border-radius: 3px; min-height: 6px; max-height: 6px;
  text-align: center; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QProgressBar[tone="danger"]::chunk { background: $danger; }
QProgressBar[tone="success"]::chunk { background: $success; }
"""

_CONTAINERS = """
QMenuBar { background: $window; }
QMenuBar::item { padding: 4px 8px; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: $selection; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QMenu::icon { padding-left: 8px; }
QToolBar { background: $panel; border: none; spacing: 4px; padding: 4px; }
QToolBar::separator { background: $line; width: 1px; margin: 4px; }
QStatusBar { background: $window; border-top: 1px solid $line; color: $secondary; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: $secondary; font-size: ${secondary_size}px; }
QDockWidget { titlebar-close-icon: url("$close"); titlebar-normal-icon: url("$chevron_right"); color: $secondary;
  font-size: ${secondary_size}px; font-weight: 600; }
QDockWidget::title { background: $panel; padding: 6px 12px; border-bottom: 1px solid $line; }
QDockWidget > QWidget { background: $panel; }
QMainWindow::separator { background: $line; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: $accent; }
QSplitter::handle { background: $line; }
QSplitter::handle:hover { background: $accent; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }
QGroupBox { border: 1px solid $line; border-radius: ${radius}px; margin-top: 12px; padding: 12px 8px 8px 8px; }
QGroupBox::title { subcontrol-origin: margin; left: 8px; padding: 0 4px; color: $secondary; }
QTabWidget::pane { border: none; border-top: 1px solid $line; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; padding: 6px 12px; color: $secondary; border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget { background: transparent; }
QAbstractItemView { background: $panel; border: none; outline: none; alternate-background-color: $raised;
  selection-background-color: $selection; selection-color: $text; }
QAbstractItemView::item { min-height: 24px; padding: 0 4px; }
QAbstractItemView::item:hover { background: $hover; }
QAbstractItemView::item:selected { background: $selection; color: $text; }
QTableView { gridline-color: $line; }
QHeaderView { background: $panel; border: none; }
QHeaderView::section { background: $panel; color: $secondary; border: none; border-bottom: 1px solid $line;
  padding: 4px 8px; font-size: ${secondary_size}px; font-weight: 600; }
QHeaderView::up-arrow { image: url("$chevron_up"); width: 10px; height: 10px; subcontrol-position: top center; }
QHeaderView::down-arrow { image: url("$chevron_down"); width: 10px; height: 10px; subcontrol-position: top center; }
QHeaderView::section:hover { color: $text; }
QTableCornerButton::section { background: $panel; border: none; }
QTreeView::branch:has-children:closed { image: url("$chevron_right"); }
QTreeView::branch:has-children:open { image: url("$chevron_down"); }
QScrollBar { background: transparent; border: none; }
QScrollBar:vertical { width: 12px; }
QScrollBar:horizontal { height: 12px; }
QScrollBar::handle { background: $pressed; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::handle:hover { background: $outline; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""

_SHEET = Template(_BASE + _BUTTONS + _FIELDS + _CONTAINERS)
_COLOR_NAMES = [name for name in Colors.__dataclass_fields__ if name != "scheme"]


def build_stylesheet(colors: Colors) -> str:
    """Return the stylesheet of one scheme."""
    fields = {name: getattr(colors, name) for name in _COLOR_NAMES}
    fields |= {
        "body": tokens.FONT_BODY,
        "secondary_size": tokens.FONT_SECONDARY,
        "caption": tokens.FONT_CAPTION,
        "title": tokens.FONT_TITLE,
        "number": tokens.FONT_NUMBER,
        "radius": tokens.RADIUS,
        "radius_card": tokens.RADIUS_CARD,
        "inner": tokens.CONTROL_HEIGHT - 2,  # Qt adds the border to min-height
        "spin_inner": tokens.CONTROL_HEIGHT - 6,  # and some more to that of a spin box
        "tool_inner": tokens.TOOL_SIZE - 2,
    }
    fields |= {name: _url(f"icons/{name}.svg") for name in ("check", "dash", "dot")}
    for name in ("chevron-up", "chevron-down", "chevron-right", "close"):
        fields[name.replace("-", "_")] = _url(f"icons/{colors.scheme}/{name}.svg")
    return _SHEET.substitute(fields)


def _url(name: str) -> str:
    return resource_path(name).as_posix()
