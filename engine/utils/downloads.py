"""Public index: files from elsewhere, and model files by name."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "attempt_download_asset": "engine.cfg.weights",
        "download": "engine.runtime.downloads",
        "fetch": "engine.runtime.downloads",
        "is_url": "engine.runtime.downloads",
        "reporting": "engine.runtime.downloads",
        "safe_download": "engine.runtime.downloads",
        "url2file": "engine.runtime.downloads",
    },
)
