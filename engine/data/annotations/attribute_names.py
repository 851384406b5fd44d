"""Names of attributes that mean the same in every format; all others belong to the person who annotates.

Formats map what they call these facts onto the names here, the studio shows each with its own control. A
name that is absent says nothing: no group, no track, no text, and False for the flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

GROUP_ID: Final = "group_id"
"""int: shapes of one image with the same number belong together (the parts of one object, a text and its key)."""

TRACK_ID: Final = "track_id"
"""int: shapes of several images with the same number are the same object at different times."""

DESCRIPTION: Final = "description"
"""str: what a person wrote about the shape, or the text that is to be read in it."""

CROWD: Final = "crowd"
"""bool: the shape stands for many objects of its class that nobody told apart (COCO's ``iscrowd``)."""

OCCLUDED: Final = "occluded"
"""bool: something in front of the object hides part of it."""

TRUNCATED: Final = "truncated"
"""bool: the object goes on beyond the image's border."""

DIFFICULT: Final = "difficult"
"""bool: hard to recognise; evaluations of the Pascal VOC kind neither reward nor punish it."""

ANNOTATION_SOURCE: Final = "annotation_source"
"""str: who made the shape: ``model``, or ``assisted`` for one that was pointed at and outlined by a segmenter."""

ANNOTATION_MODEL: Final = "annotation_model"
"""str: the model that made the shape, with what tells its version."""

ACCEPTED_BY: Final = "accepted_by"
"""str: who found a model's shape good, as their computer calls them."""

ACCEPTED_AT: Final = "accepted_at"
"""str: when that was, ISO 8601 in UTC: ``2026-11-21T22:05:00Z``."""

FLAGS: Final[tuple[str, ...]] = (CROWD, OCCLUDED, TRUNCATED, DIFFICULT)
NUMBERS: Final[tuple[str, ...]] = (GROUP_ID, TRACK_ID)
PROVENANCE: Final[tuple[str, ...]] = (ANNOTATION_SOURCE, ANNOTATION_MODEL, ACCEPTED_BY, ACCEPTED_AT)
RESERVED: Final[tuple[str, ...]] = (*NUMBERS, DESCRIPTION, *FLAGS, *PROVENANCE)


def own_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the person added: the attributes whose names are not reserved."""
    return {name: value for name, value in attributes.items() if name not in RESERVED}
