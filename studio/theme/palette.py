"""Qt's palette from the tokens, for what the stylesheet does not reach."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette

from studio.theme.tokens import Colors

Role = QPalette.ColorRole

_ROLES: dict[QPalette.ColorRole, str] = {
    Role.Window: "window",
    Role.WindowText: "text",
    Role.Base: "raised",
    Role.AlternateBase: "panel",
    Role.Text: "text",
    Role.PlaceholderText: "secondary",
    Role.Button: "raised",
    Role.ButtonText: "text",
    Role.BrightText: "danger_text",
    Role.ToolTipBase: "raised",
    Role.ToolTipText: "text",
    Role.Highlight: "selection",
    Role.HighlightedText: "text",
    Role.Link: "accent_text",
    Role.LinkVisited: "accent_text",
    Role.Accent: "accent",
    Role.Light: "hover",
    Role.Midlight: "hover",
    Role.Mid: "line",
    Role.Dark: "line",
    Role.Shadow: "surround",
}
_DISABLED_ROLES = (Role.WindowText, Role.Text, Role.ButtonText, Role.HighlightedText)


def build_palette(colors: Colors) -> QPalette:
    """Return the palette of one scheme."""
    palette = QPalette()
    for role, name in _ROLES.items():
        palette.setColor(role, QColor(getattr(colors, name)))
    for role in _DISABLED_ROLES:
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(colors.disabled))
    return palette
