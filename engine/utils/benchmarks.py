"""Public index: a model in every format, measured."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "benchmark": "engine.models.yolo.benchmark",
        "BenchmarkRow": "engine.core.benchmark",
        "BenchmarkTable": "engine.core.benchmark",
    },
)
