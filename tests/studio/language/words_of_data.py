"""What is the same in every language: names of keys, units, formats, models, devices and arguments."""

from __future__ import annotations

import re

from engine.cfg.model_catalogue import SCALE_WORDS
from engine.cfg.schema import ARGUMENTS, TASKS
from engine.data.formats.registry import FORMATS
from engine.export.formats import FORMATS as EXPORTS
from engine.runtime.device import list_devices

_KEYS = "Ctrl Shift Alt Meta Enter Return Esc Del Ins Home End PgUp PgDown Tab Space Backspace Left Right Up Down"
_UNITS = "px px² MB GB KB MiB GiB min nm µm mm cm km in ft ms"
_NAMES = "Maskwright YOLO yolo YOLOv YOLOE English 简体中文 GFLOPs mAP IoU mIoU AP MCR F1 seg"
_OF_QT = "Scroll Float Close Export"  # its own parts, which its own catalogue translates, and what it never shows

_TEXTS = (
    *(_KEYS, _UNITS, _NAMES, _OF_QT),
    *(argument.name for argument in ARGUMENTS),
    *(str(choice) for argument in ARGUMENTS for choice in argument.choices),
    *TASKS,
    *SCALE_WORDS.values(),
    *(format.title for format in FORMATS),
    *(target.name for target in EXPORTS),
    *(device.name for device in list_devices()),
)
ALLOWED = frozenset(word for text in _TEXTS for word in re.findall(r"(?:[^\W\d_]|²){2,}", text))

# Whole texts: how a file is made with another maker's tool is told by the engine, in English.
WHOLE = frozenset(
    (
        *(target.way for target in EXPORTS),
        "Undocks and re-attaches the dock widget",
        "Closes the dock widget",
    )
)
