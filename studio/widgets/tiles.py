"""What a tile of the gallery shows: a whole image, one object of it, or the objects of one class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from studio.language import tr
from studio.model.seen import CONFUSION_SCORE, Answer, SeenImage, SeenObject
from studio.model.validation_cells import Example

HALF_SIZE = 176  # pixels of one half's longer side
GAP = 4
_MARGIN_SHARE = 0.6  # of the object's size around a crop
_MARGIN_MIN_PX = 24

Names = Mapping[int, str]


@dataclass(frozen=True)
class Tile:
    """What a tile shows.

    Attributes:
        image: The image.
        truth: Labels to draw on the left half.
        predictions: Predictions to draw on the right half.
        region: Part of the image, x1, y1, x2, y2 in its pixels.
        caption: One line below.
    """

    image: SeenImage
    truth: tuple[SeenObject, ...]
    predictions: tuple[SeenObject, ...]
    region: tuple[float, float, float, float]
    caption: str


@dataclass(frozen=True)
class Look:
    """Colours and names for drawing.

    Attributes:
        inks: Colour of each class number, ``#rrggbb``.
        names: Name of each class number.
        mistake: Colour of the outline of missed labels and wrong predictions.
    """

    inks: Mapping[int, str]
    names: Names
    mistake: str

    def words(self, seen: SeenObject) -> str:
        """Return what is written beside a prediction."""
        return f"{self.name(seen.class_id)} {seen.score or 0:.2f}"

    def name(self, class_id: int) -> str:
        """Return what a class is called."""
        return self.names.get(class_id, str(class_id))


def image_tile(image: SeenImage, names: Names) -> Tile:
    """Return the tile of a whole image."""
    sure = tuple(p for p in image.predictions if (p.score or 0) >= CONFUSION_SCORE)
    caption = f"{image.file.name} · {_verdict(image, sure, names)}"
    return Tile(image, image.truth, sure, (0, 0, image.width, image.height), caption)


def example_tile(example: Example, names: Names) -> Tile:
    """Return the tile of one object, cropped to it with some surroundings; or of a whole image."""
    if example.truth is None and example.prediction is None:
        return image_tile(example.image, names)
    x1, y1, x2, y2 = example.box
    margin = max(_MARGIN_MIN_PX, _MARGIN_SHARE * max(x2 - x1, y2 - y1))
    width, height = example.image.width, example.image.height
    region = (
        max(0.0, x1 - margin),
        max(0.0, y1 - margin),
        min(float(width), x2 + margin),
        min(float(height), y2 + margin),
    )
    truth = (example.truth,) if example.truth is not None else ()
    found = (example.prediction,) if example.prediction is not None else ()
    score = f" · {found[0].score:.2f}" if found and found[0].score is not None else ""
    return Tile(example.image, truth, found, region, f"{example.image.file.name}{score}")


def class_tiles(images: Sequence[SeenImage], class_id: int, names: Names) -> list[Tile]:
    """Return tiles of the images with this class, reduced to its objects, most mistakes first."""
    reduced = [_reduced(image, class_id) for image in images if class_id in image.classes]
    reduced.sort(key=lambda image: -image.mistakes)
    return [image_tile(image, names) for image in reduced]


def tile_height(tiles: Sequence[Tile]) -> int:
    """Return the height that all the tiles' pictures need, at most :data:`HALF_SIZE`."""
    shares = [(t.region[3] - t.region[1]) / max(1.0, t.region[2] - t.region[0]) for t in tiles]
    return round(HALF_SIZE * min(1.0, max(shares, default=1.0)))


def _reduced(image: SeenImage, class_id: int) -> SeenImage:
    return replace(
        image,
        truth=tuple(t for t in image.truth if t.class_id == class_id),
        predictions=tuple(p for p in image.predictions if p.class_id == class_id),
    )


def _verdict(image: SeenImage, sure: Sequence[SeenObject], names: Names) -> str:
    """Return in a few words how right the model is about an image."""
    if image.answer is not None:
        return _verdict_on_class(image.answer, names)
    if image.maps is not None:
        return tr("{value:.0f} % of its pixels right").format(value=100 * image.maps.right)
    missed = sum(not label.matched for label in image.truth)
    wrong = sum(not found.matched for found in sure)
    said = [tr("{missed} missed").format(missed=missed)] if missed else []
    said += [tr("{wrong} wrong").format(wrong=wrong)] if wrong else []
    return ", ".join(said) or tr("all right")


def _verdict_on_class(answer: Answer, names: Names) -> str:
    if answer.is_right:
        return tr("right")
    said, true = (names.get(number, str(number)) for number in (answer.said, answer.truth))
    return tr("{said}, not {true}").format(said=said, true=true)
