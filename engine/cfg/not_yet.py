"""What the schema knows but this version cannot do, each with its reason: the one list to shorten.

Giving such an argument another value than its default is refused with the reason, never ignored.
"""

from __future__ import annotations

NOT_YET: dict[str, str] = {
    "keras": "this version writes SavedModels as TensorFlow's own functions; keras.layers.TFSMLayer loads them",
}

NOT_YET_CHOICES: dict[str, dict[str, str]] = {}

# mode -> task -> why not
NOT_YET_TASKS: dict[str, dict[str, str]] = {}
