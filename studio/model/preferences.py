"""The studio's own settings, in the same file as the engine's, and the list of projects opened lately."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.runtime.settings import SettingsManager, settings
from engine.runtime.settings_schema import Setting
from studio.language import tr
from studio.language.chosen import LANGUAGE, LANGUAGE_SETTING, LANGUAGES, SYSTEM

RULERS, MINIMAP, CROSSHAIR = "studio.rulers", "studio.minimap", "studio.crosshair"
THEME, TAGS, RECENT = "studio.theme", "studio.name_tags", "studio.recent_projects"
CONFIDENCE, AUTO_TOOL = "studio.suggestion_confidence", "studio.first_tool"
WINDOW, DOCKS, KEYS = "studio.window", "studio.docks", "studio.keys"
TOOL_OPTIONS = "studio.tool_options"
SMART_MODEL = "studio.smart_model"
_RECENT_KEPT = 12

STUDIO_SETTINGS = (
    Setting(
        THEME,
        str,
        "system",
        "Colours of the window: as the desktop asks, or always light or dark.",
        "Window",
        choices=("system", "light", "dark"),
    ),
    LANGUAGE_SETTING,
    Setting(TAGS, bool, True, "Show each shape's class name beside it on the canvas.", "Canvas"),
    Setting(RULERS, bool, False, "Show rulers along the canvas.", "Canvas"),
    Setting(
        MINIMAP,
        bool,
        True,
        "Show the whole image small in a corner while a part is out of sight.",
        "Canvas",
    ),
    Setting(CROSSHAIR, bool, False, "Show lines through the cursor with every tool.", "Canvas"),
    Setting(
        AUTO_TOOL,
        str,
        "polygon",
        "The tool in hand after a project was opened that has no labels yet.",
        "Canvas",
        choices=(
            "select",
            "polygon",
            "box",
            "oriented_box",
            "keypoints",
            "brush",
            "wand",
            "image_class",
        ),
    ),
    Setting(
        CONFIDENCE,
        float,
        0.25,
        "Objects that a model is less sure of are not suggested.",
        "Suggestions",
        low=0.01,
        high=1.0,
    ),
    Setting(
        SMART_MODEL,
        str,
        "auto",
        "The segmenter behind the smart tool: the name or path of its weights; auto takes the best that is there.",
        "Suggestions",
    ),
    Setting(RECENT, list, list, "Projects opened lately, newest first.", "About", editable=False),
    Setting(
        KEYS, list, list, "Shortcuts that differ from the usual ones.", "About", editable=False
    ),
    Setting(TOOL_OPTIONS, str, "", "Sizes and switches of the tools.", "About", editable=False),
    Setting(WINDOW, str, "", "Place and size of the window.", "About", editable=False),
    Setting(
        DOCKS, str, "", "How the docks beside the canvas are arranged.", "About", editable=False
    ),
)

# What choices are called that are words and not names
CHOICE_WORDS: dict[str, dict[str, str]] = {
    THEME: {"system": tr("as the system"), "light": tr("light"), "dark": tr("dark")},
    LANGUAGE: {SYSTEM: tr("as the system"), **LANGUAGES},
    AUTO_TOOL: {
        "select": tr("Select and edit"),
        "polygon": tr("Polygon"),
        "box": tr("Rectangle"),
        "oriented_box": tr("Rotated rectangle"),
        "keypoints": tr("Keypoints of a skeleton"),
        "brush": tr("Brush"),
        "wand": tr("Magic wand"),
        "image_class": tr("Classes of images by single keys"),
    },
}


class Preferences:
    """Typed access to the studio's settings.

    Args:
        manager: The settings; tests give their own file's.
    """

    def __init__(self, manager: SettingsManager = settings) -> None:
        self.manager = manager
        manager.register(*STUDIO_SETTINGS)

    def __getitem__(self, name: str) -> Any:
        return self.manager[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.manager[name] = value

    def recent(self) -> list[Path]:
        """Return the project folders opened lately that are still there, newest first."""
        return [path for path in map(Path, self.manager[RECENT]) if path.is_dir()]

    def add_recent(self, folder: Path) -> None:
        """Put a project folder at the head of the list."""
        others = [path for path in self.manager[RECENT] if path != str(folder)]
        self.manager[RECENT] = [str(folder), *others][:_RECENT_KEPT]
