"""The engine: train, validate, predict and export without a window. Importing it loads no torch."""

from engine._lazy import attach
from engine._version import __version__ as __version__
from engine.runtime.waiting import choose_how_threads_wait

choose_how_threads_wait()

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "YOLO": "engine.models.yolo.model",
        "YOLOE": "engine.models.yolo.yoloe.model",
        "SAM": "engine.models.sam.model",
        "Explorer": "engine.explorer.explorer",
        "settings": "engine.runtime.settings",
        "checks": "engine.runtime.checks",
        "download": "engine.runtime.downloads",
    },
)
__all__ += ["__version__"]
