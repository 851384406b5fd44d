"""Public index: the events that functions can be hung on."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "EVENTS": "engine.core.callbacks",
        "new_callbacks": "engine.core.callbacks",
    },
)
