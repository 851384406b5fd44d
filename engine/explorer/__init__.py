"""Looking into a data set: pictures by likeness, by SQL, by words."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Explorer": "engine.explorer.explorer",
        "EmbeddingStore": "engine.explorer.embedding_store",
    },
)
