"""Public index: what to label next, and which labels to doubt."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Disagreement": "engine.active_learning.disagreement",
        "LabelError": "engine.active_learning.label_errors",
        "RankedImage": "engine.active_learning.next_images",
        "Rules": "engine.active_learning.disagreement",
        "Trust": "engine.active_learning.disagreement",
        "Uncertainty": "engine.active_learning.uncertainty",
        "compare_labels": "engine.active_learning.disagreement",
        "farthest_first": "engine.active_learning.diversity",
        "find_label_errors": "engine.active_learning.label_errors",
        "rank_images": "engine.active_learning.next_images",
    },
)
