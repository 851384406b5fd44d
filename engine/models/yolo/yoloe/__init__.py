"""Open vocabulary: classes from words or from examples."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "YOLOE": "engine.models.yolo.yoloe.model",
        "YOLOEDetectValidator": "engine.models.yolo.yoloe.val",
        "YOLOEPESegTrainer": "engine.models.yolo.yoloe.train_seg",
        "YOLOEPETrainer": "engine.models.yolo.yoloe.train",
        "YOLOESegTrainer": "engine.models.yolo.yoloe.train_seg",
        "YOLOESegTrainerFromScratch": "engine.models.yolo.yoloe.train_seg",
        "YOLOESegVPTrainer": "engine.models.yolo.yoloe.train_seg",
        "YOLOESegValidator": "engine.models.yolo.yoloe.val",
        "YOLOETrainer": "engine.models.yolo.yoloe.train",
        "YOLOETrainerFromScratch": "engine.models.yolo.yoloe.train",
        "YOLOEVPDetectPredictor": "engine.models.yolo.yoloe.predict",
        "YOLOEVPSegPredictor": "engine.models.yolo.yoloe.predict",
        "YOLOEVPTrainer": "engine.models.yolo.yoloe.train",
    },
)
