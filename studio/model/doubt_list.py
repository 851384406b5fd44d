"""The doubtful labels of a project: which still stand, which were called fine, which a filter lets through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studio.model.label_check import LabelDoubt, doubt_from_dict, without_marked
from studio.model.project import Project

_MARKS_KEY = "labels_called_fine"


class DoubtList:
    """Knows of each doubt whether it stands; numbers are places in :attr:`doubts`.

    A doubt falls when its shape is changed or removed, and stands again when that is undone.

    Attributes:
        doubts: What the last check found and nobody called fine, the greatest doubt first.

    Args:
        project: Its shapes are looked at; what is called fine is kept with it.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self.doubts: list[LabelDoubt] = []
        self._fallen: set[int] = set()
        self._by_image: dict[int, list[int]] = {}

    def take(self, doubts: Sequence[LabelDoubt]) -> None:
        """Take over other doubts; those called fine before are left out."""
        self.doubts = without_marked(doubts, self.marked())
        self._fallen = set()
        self._by_image = {}
        for number, doubt in enumerate(self.doubts):
            self._by_image.setdefault(doubt.image_id, []).append(number)

    def image_ids(self) -> Iterator[int]:
        """Return the images that have doubts."""
        return iter(list(self._by_image))

    def look_at(self, image_id: int) -> tuple[set[int], set[int]]:
        """Look at the shapes of an image again; returns the numbers that fell and those that stand again."""
        numbers = self._by_image.get(image_id)
        if not numbers:
            return set(), set()
        shapes = self._project.shapes(image_id)
        standing = {number for number in numbers if self.doubts[number].stands(shapes)}
        fell = set(numbers) - standing - self._fallen
        back = standing & self._fallen
        self._fallen = (self._fallen | fell) - back
        return fell, back

    def standing(
        self, kind: str | None = None, class_id: int | None = None, least: float = 0.0
    ) -> list[int]:
        """Return the numbers of the doubts that stand and pass a filter, the greatest first."""
        return [
            number
            for number, doubt in enumerate(self.doubts)
            if number not in self._fallen
            and kind in (None, doubt.kind)
            and class_id in (None, doubt.class_id)
            and doubt.doubt >= least
        ]

    def marked(self) -> list[LabelDoubt]:
        """Return what was called fine."""
        return [doubt_from_dict(values) for values in self._project.recall(_MARKS_KEY, [])]

    def mark_fine(self, number: int) -> None:
        """Call a label fine: no check shows it again."""
        kept = [*self._project.recall(_MARKS_KEY, []), self.doubts[number].to_dict()]
        self._project.remember(_MARKS_KEY, kept)
        self._fallen.add(number)
        place = self._by_image[self.doubts[number].image_id]
        place.remove(number)  # whatever becomes of its shape, it stays fine

    def forget_marks(self) -> None:
        """Show in the next check what was called fine as well."""
        self._project.remember(_MARKS_KEY, [])
