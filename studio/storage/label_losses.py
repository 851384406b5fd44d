"""What the labels of a task cannot hold of a shape, as phrases that count."""

from __future__ import annotations

from typing import NamedTuple

from studio.language import nmark, ntr


class Loss(NamedTuple):
    """Something that labels cannot hold.

    Attributes:
        one: Phrase for one, with ``{count}``, and ``{what}`` where there is something to fill in.
        many: The same for several; both were marked for translation.
        what: What is filled in.
    """

    one: str
    many: str
    what: str = ""

    def sentence(self, count: int) -> str:
        """Return the phrase for so many."""
        return ntr(self.one, self.many, count).format(count=count, what=self.what)


OTHERS_OF_CLASSIFIED = Loss(
    *nmark(
        "{count:,} shape, left out: the class of the image is learnt",
        "{count:,} shapes, left out: the class of the image is learnt",
    )
)
WHOLE_IMAGE = Loss(
    *nmark(
        "{count:,} class of a whole image, left out", "{count:,} classes of whole images, left out"
    )
)
WITHOUT_AREA = Loss(
    *nmark(
        "{count:,} {what} shape without an area, left out",
        "{count:,} {what} shapes without an area, left out",
    )
)
OUTLINE_TO_BOX = Loss(
    *nmark("{count:,} outline, learnt as a box", "{count:,} outlines, learnt as boxes")
)
TURNED_TO_BOX = Loss(
    *nmark(
        "{count:,} rotated box, learnt as an upright one",
        "{count:,} rotated boxes, learnt as upright ones",
    )
)
POINTS_TO_BOX = Loss(
    *nmark(
        "{count:,} set of keypoints, learnt as a box",
        "{count:,} sets of keypoints, learnt as boxes",
    )
)
BOX_TO_OUTLINE = Loss(
    *nmark("{count:,} box, learnt as a rectangle", "{count:,} boxes, learnt as rectangles")
)
OUTLINE_TO_TURNED = Loss(
    *nmark(
        "{count:,} outline, learnt as the smallest box around it",
        "{count:,} outlines, learnt as the smallest boxes around them",
    )
)
WITHOUT_POINTS = Loss(
    *nmark(
        "{count:,} object without keypoints, learnt as a box alone",
        "{count:,} objects without keypoints, learnt as boxes alone",
    )
)
OTHER_POINTS = Loss(
    *nmark(
        "{count:,} object with another number of keypoints than {what}, learnt as a box alone",
        "{count:,} objects with another number of keypoints than {what}, learnt as boxes alone",
    )
)
