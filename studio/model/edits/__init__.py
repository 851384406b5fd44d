"""Index of the edits: what tools and panels return, and what the journal keeps."""

from __future__ import annotations

from studio.model.edits.base import Changes, Edit, edit_from_dict
from studio.model.edits.batch import Batch
from studio.model.edits.classes import AddClass, ChangeClass, OrderClasses, RemoveClass, new_class
from studio.model.edits.images import RemoveImages, SetBackground, SetSplit
from studio.model.edits.shapes import AddShapes, RemoveShapes, ReplaceShapes, assign_class
from studio.model.edits.suggestions import RemoveSuggestions, accept

__all__ = [
    "AddClass",
    "AddShapes",
    "Batch",
    "ChangeClass",
    "Changes",
    "Edit",
    "OrderClasses",
    "RemoveClass",
    "RemoveImages",
    "RemoveShapes",
    "RemoveSuggestions",
    "ReplaceShapes",
    "SetBackground",
    "SetSplit",
    "accept",
    "assign_class",
    "edit_from_dict",
    "new_class",
]
