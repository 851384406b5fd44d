"""The YOLO family; the classes load on first use."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "YOLO": "engine.models.yolo.model",
        "YOLOE": "engine.models.yolo.yoloe.model",
        "DetectionTrainer": "engine.models.yolo.detect.train",
        "DetectionValidator": "engine.models.yolo.detect.val",
        "DetectionPredictor": "engine.models.yolo.detect.predict",
        "SegmentationTrainer": "engine.models.yolo.segment.train",
        "SegmentationValidator": "engine.models.yolo.segment.val",
        "SegmentationPredictor": "engine.models.yolo.segment.predict",
        "ClassificationTrainer": "engine.models.yolo.classify.train",
        "ClassificationValidator": "engine.models.yolo.classify.val",
        "ClassificationPredictor": "engine.models.yolo.classify.predict",
        "PoseTrainer": "engine.models.yolo.pose.train",
        "PoseValidator": "engine.models.yolo.pose.val",
        "PosePredictor": "engine.models.yolo.pose.predict",
        "OBBTrainer": "engine.models.yolo.obb.train",
        "OBBValidator": "engine.models.yolo.obb.val",
        "OBBPredictor": "engine.models.yolo.obb.predict",
        "SemSegTrainer": "engine.models.yolo.semseg.train",
        "SemSegValidator": "engine.models.yolo.semseg.val",
        "SemanticSegmentationPredictor": "engine.models.yolo.semseg.predict",
    },
    ("detect", "segment", "semseg", "classify", "pose", "obb", "yoloe"),
)
