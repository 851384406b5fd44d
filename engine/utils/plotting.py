"""Public index: drawing on pictures and the charts of a run."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Annotator": "engine.drawing.annotator",
        "plot_confusion_matrix": "engine.drawing.curves",
        "plot_labels": "engine.drawing.curves",
        "plot_metric_curves": "engine.drawing.curves",
        "plot_results": "engine.drawing.curves",
        "plot_images": "engine.drawing.mosaic",
        "Palette": "engine.drawing.palette",
        "colors": "engine.drawing.palette",
    },
)
