"""Public index of automatic labelling that scripts import; the code lives with the promptable segmenters."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, {"auto_annotate": "engine.models.sam.annotator"})
