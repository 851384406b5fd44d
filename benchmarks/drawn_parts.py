"""Drawn pictures of parts with known outlines, and hands that point at a part with the smart tool."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import shapely

    from docs.scenes.stage import Stage
    from engine.data.annotations import Point

SIZE_WH = (480, 360)
_SEED = 0
_MARGIN = 6.0  # pixels: parts nearer to the picture's border may be cut by it
_AROUND = 4.0  # pixels: room around a part for the box that is dragged
_GRIP = 9.0  # pixels from the corner: the first move that a drag makes


def draw_pictures(folder: Path, pictures: int) -> list[list[shapely.Polygon]]:
    """Write pictures of the sample; return the outlines of the parts that lie wholly in each of them."""
    import shapely

    from engine.data.annotations import Polygon
    from engine.data.images import write_image
    from engine.data.synthetic.scene import draw_scene

    folder.mkdir()
    rings = []
    inside = shapely.box(0, 0, *SIZE_WH).buffer(-_MARGIN)
    for number in range(pictures):
        scene = draw_scene((_SEED, number), SIZE_WH)
        write_image(folder / f"{number:03}.jpg", scene.image)
        shown = [label.geometry for label in scene.annotations]
        outlines = [shapely.Polygon(g.exterior, g.holes) for g in shown if isinstance(g, Polygon)]
        rings.append([outline for outline in outlines if inside.contains(outline)])
    return rings


def take_smart(stage: Stage) -> None:
    """Take the smart tool in hand and wait until its segmenter can answer."""
    stage.session.use_tool("smart")
    stage.canvas.set_option("hover", False)  # what the cursor passes is not what was asked for
    await_segmenter(stage)


def await_segmenter(stage: Stage) -> None:
    """Wait until the segmenter has looked at the picture.

    Raises:
        RuntimeError: It cannot.
    """
    from studio.tools.prompting import Readiness

    prompter = stage.session.smart.prompter
    stage.wait(lambda: prompter.readiness in (Readiness.READY, Readiness.FAILED))
    if prompter.readiness is Readiness.FAILED:
        raise RuntimeError(prompter.reason)


def point_by_click(stage: Stage, truth: shapely.Polygon) -> None:
    """Click into a part and wait for the answer."""
    place = truth.representative_point()
    _ask(stage, lambda: stage.click(place.x, place.y))


def point_by_box(stage: Stage, truth: shapely.Polygon) -> None:
    """Drag a box around a part and wait for the answer."""
    left, top, right, bottom = truth.bounds
    start = left - _AROUND, top - _AROUND
    stops = (start, (left + _GRIP, top + _GRIP), (right + _AROUND, bottom + _AROUND))
    _ask(stage, lambda: stage.drag(*stops))


POINTING: dict[str, Callable[[Stage, shapely.Polygon], None]] = {
    "box": point_by_box,
    "click": point_by_click,
}


def iou(found: Sequence[Any], truth: shapely.Polygon) -> float:
    """Return the share that outlines, filled, have in common with the true one."""
    import shapely

    filled = [shapely.make_valid(shapely.Polygon(ring)) for ring in _exteriors(found)]
    union, truth = shapely.union_all(filled), shapely.Polygon(truth.exterior)
    return float(union.intersection(truth).area / union.union(truth).area)


def _ask(stage: Stage, point: Callable[[], None]) -> None:
    """Point at something and wait for the answer to just that."""
    prompter = stage.session.smart.prompter
    before = prompter.answer()
    point()
    stage.wait(lambda: prompter.answer() is not before)


def _exteriors(found: Iterable[Any]) -> list[tuple[Point, ...]]:
    return [geometry.exterior for geometry in found if len(geometry.exterior) > 2]
