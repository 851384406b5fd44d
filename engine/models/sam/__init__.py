"""Promptable segmentation: a click, a box or a rough mask in, a mask out."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "SAM": "engine.models.sam.model",
        "build": "engine.models.sam.architectures",
        "open_segmenter": "engine.models.sam.registry",
        "choose_segmenter": "engine.models.sam.registry",
        "EmbeddingCache": "engine.models.sam.embedding_cache",
        "Prompt": "engine.models.sam.prompts",
    },
)
