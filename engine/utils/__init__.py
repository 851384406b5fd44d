"""Public indexes of names that live in the rooms below; the inside never imports from here."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "LOGGER": "engine.runtime.log",
        "SettingsManager": "engine.runtime.settings",
        "settings": "engine.runtime.settings",
        "DEFAULT_CFG": "engine.cfg.arguments",
    },
)
