"""Oriented boxes; the class loads on first use, so that importing the package loads no torch."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, {"OBBPredictor": "engine.models.yolo.obb.predict"})
