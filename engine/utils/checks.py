"""Public index: what this machine has and what is missing."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Check": "engine.runtime.checks",
        "checks": "engine.runtime.checks",
        "collect": "engine.runtime.checks",
        "format_report": "engine.runtime.checks",
    },
)
