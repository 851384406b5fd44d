"""What the worker does to follow marked shapes through images. Only that process imports this: it loads torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from engine.data.annotations import Box, Geometry, Mask, Polygon, to_mask
from engine.data.images import read_image
from engine.ops.outlines import trace_outlines
from engine.runtime.errors import ImageError
from engine.trackers.seeded import SeededTracks
from engine.trackers.shape_flow import ShapeFlow
from engine.trackers.tracks import Detections
from studio.jobs.messages import Followed, FollowedShape, Progress, Track, TrackingDone
from studio.jobs.predicted_shapes import shapes_of
from studio.jobs.segmenting import forget_image, load_segmenter
from studio.jobs.worker import Context
from studio.language import tr

_DIGITS = 2  # of coordinates: finer than anybody sees
_SAME = 0.6  # IoU from which an outline is taken for that of the shape that was followed
_WEAK = 0.1  # confidence of detections that may carry a track on

# The shapes in the next image by their place in the request, with how sure each is; None at the end of all tracks.
Step = dict[int, tuple[Geometry, float]]
Follower = Callable[[np.ndarray], Step | None]


def track(request: Track, context: Context) -> TrackingDone:
    """Follow shapes from the first image of a request through the others, until all are lost."""
    context.send(Progress(request.job, 0, 0, tr("Looking at the picture")))
    (_, first_path), *rest = request.images
    first = read_image(first_path)
    follow = _FOLLOWERS[request.method](request, context, first)
    last: dict[int, int] = {}
    done = 0
    for key, image in _readable(request, context, rest, first.shape):
        context.check()
        step = follow(image)
        if step is None:
            break
        if request.segmenter and step:
            step = _outlined(request, context, image, step)
        shapes = tuple(
            FollowedShape(request.shapes[place].track, _rounded(geometry), round(score, 4))
            for place, (geometry, score) in sorted(step.items())
        )
        last |= {shape.track: key for shape in shapes}
        done += 1
        context.send(Followed(request.job, key, shapes))
        context.send(Progress(request.job, done, len(rest), tr("Following the shapes")))
    return TrackingDone(done, tuple(last.items()))


def _readable(
    request: Track, context: Context, images: Sequence[tuple[int, str]], shape: tuple[int, ...]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the images that are frames of the same size; what is left out is told."""
    for key, path in images:
        try:
            image = read_image(path)
            if image.shape != shape:
                raise ImageError(tr("the image has another size than the one before."), path=path)
        except ImageError as error:
            context.send(Followed(request.job, key, (), str(error)))
            continue
        yield key, image


def _by_motion(request: Track, _context: Context, first: np.ndarray) -> Follower:
    flow = ShapeFlow(first, [shape.geometry for shape in request.shapes])

    def follow(image: np.ndarray) -> Step | None:
        steps = flow.step(image)
        if flow.is_lost:
            return None
        return {i: (s.geometry, s.confidence) for i, s in enumerate(steps) if s is not None}

    return follow


def _by_model(request: Track, context: Context, first: np.ndarray) -> Follower:
    from studio.jobs.tasks import MODELS  # it imports this module

    context.send(Progress(request.job, 0, 0, tr("Loading the model")))
    model = MODELS.get(request.model)
    tracks = SeededTracks(np.array([_xywh(s.geometry) for s in request.shapes]), first)
    wanted = {shape.class_name for shape in request.shapes}
    given = {"conf": _WEAK, **request.arguments, "verbose": False, "save": False}

    def follow(image: np.ndarray) -> Step | None:
        (result,) = model.predict([image], **given)
        if wanted & set(
            result.names.values()
        ):  # else the model calls things otherwise: all of them count
            rows = [
                i
                for i, n in enumerate(result.objects.cls.tolist())
                if result.names[int(n)] in wanted
            ]
            result = result[rows]
        found = result.objects.cpu().numpy()
        boxes = np.asarray(found.xywhr if result.obb is not None else found.xywh, np.float64)
        seen = tracks.update(Detections(boxes[:, :4], np.asarray(found.conf, np.float64)), image)
        if tracks.is_lost:
            return None
        step: Step = {}
        for place, row in seen.items():
            for shape in shapes_of(result[[row]]):
                geometry = _of_kind(shape.geometry, request.shapes[place].geometry)
                step[place] = geometry, float(shape.score or 0.0)
        return step

    return follow


def _by_sam2(request: Track, context: Context, first: np.ndarray) -> Follower:
    from engine.models.sam.video import Sam2Video

    height, width = first.shape[:2]
    masks = np.stack([to_mask(s.geometry, height, width).to_array() > 0 for s in request.shapes])
    context.send(Progress(request.job, 0, 0, tr("Loading the model")))
    carried = iter(Sam2Video([p for _, p in request.images], masks, request.model or None))

    def follow(_image: np.ndarray) -> Step | None:
        found = next(carried, None)
        if found is None:
            return None
        return {
            place: (_of_kind(_as_kind(mask, shape.geometry), shape.geometry), 1.0)
            for place, (mask, shape) in enumerate(zip(found, request.shapes, strict=True))
            if mask.any()
        }

    return follow


_FOLLOWERS: dict[str, Callable[[Track, Context, np.ndarray], Follower]] = {
    "motion": _by_motion,
    "model": _by_model,
    "sam2": _by_sam2,
}


def _outlined(request: Track, context: Context, image: np.ndarray, step: Step) -> Step:
    """Outline followed polygons and masks again, each inside its box; one that comes out otherwise stays as it was."""
    sam = load_segmenter(request.segmenter, request.job, context)
    forget_image()
    sam.set_image(np.ascontiguousarray(image[..., ::-1]))
    height, width = image.shape[:2]
    better: Step = {}
    for place, (geometry, score) in step.items():
        better[place] = geometry, score
        if not isinstance(geometry, Polygon | Mask):
            continue
        box = np.clip(geometry.bounds(), 0, (width, height, width, height))
        masks, _, _ = sam.predict(box=box.tolist(), multimask_output=False)
        found = np.asarray(masks[0]) > 0
        if _overlap(found, to_mask(geometry, height, width).to_array() > 0) >= _SAME:
            better[place] = _as_kind(found, geometry), score
    return better


def _as_kind(mask: np.ndarray, like: Geometry) -> Geometry:
    if isinstance(like, Mask):
        return Mask.from_array(mask)
    outline = trace_outlines(mask)[0]  # the largest part
    rings = [tuple(map(tuple, ring.tolist())) for ring in (outline.exterior, *outline.holes)]
    return Polygon(rings[0], tuple(rings[1:]))


def _of_kind(found: Geometry, like: Geometry) -> Geometry:
    return Box(*found.bounds()) if isinstance(like, Box) else found


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))


def _xywh(geometry: Geometry) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = geometry.bounds()
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def _rounded(geometry: Geometry) -> Any:
    """Return a geometry without the digits that nobody sees; pixels of a mask are whole."""
    if isinstance(geometry, Polygon):
        rings = [
            tuple((round(x, _DIGITS), round(y, _DIGITS)) for x, y in r) for r in geometry.rings()
        ]
        return Polygon(rings[0], tuple(rings[1:]))
    if isinstance(geometry, Box):
        return Box(*(round(v, _DIGITS) for v in geometry.bounds()))
    return geometry
