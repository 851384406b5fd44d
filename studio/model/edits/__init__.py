"""Index of the edits: what tools and panels return, and what the journal keeps."""

from __future__ import annotations

from studio.model.edits.base import Changes, Edit, edit_from_dict
from studio.model.edits.batch import Batch
from studio.model.edits.calibration import SetCalibration
from studio.model.edits.class_merge import (
    MergeClass,
    SplitClass,
    split_by_attribute,
    split_off,
)
from studio.model.edits.classes import AddClass, ChangeClass, OrderClasses, RemoveClass, new_class
from studio.model.edits.fields import SetFields, assign_class, set_attributes, set_marks
from studio.model.edits.images import (
    PlaceImages,
    RemoveImages,
    SetBackground,
    SetSplit,
    UnlockSplits,
)
from studio.model.edits.imports import TakeImport, runs_of
from studio.model.edits.review import (
    AddComment,
    RemoveComment,
    SetStage,
    SetTags,
    change_tags,
    reject,
)
from studio.model.edits.shapes import AddShapes, RemoveShapes, ReplaceShapes
from studio.model.edits.suggestions import AcceptSuggestions, RemoveSuggestions, accept

__all__ = [
    "AcceptSuggestions",
    "AddClass",
    "AddComment",
    "AddShapes",
    "Batch",
    "ChangeClass",
    "Changes",
    "Edit",
    "MergeClass",
    "OrderClasses",
    "PlaceImages",
    "RemoveClass",
    "RemoveComment",
    "RemoveImages",
    "RemoveShapes",
    "RemoveSuggestions",
    "ReplaceShapes",
    "SetBackground",
    "SetCalibration",
    "SetFields",
    "SetSplit",
    "SetStage",
    "SetTags",
    "SplitClass",
    "TakeImport",
    "UnlockSplits",
    "accept",
    "assign_class",
    "change_tags",
    "edit_from_dict",
    "new_class",
    "reject",
    "runs_of",
    "set_attributes",
    "set_marks",
    "split_by_attribute",
    "split_off",
]
