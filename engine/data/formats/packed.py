"""Annotations of one picture as bytes: a data set of a million shapes has to fit into memory.

A polygon of 20 points is 2.5 kB of Python tuples and floats, packed 0.4 kB; most shapes of a large set wait
untouched until they are written into a project or a file.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, overload

from engine.data.annotations import Annotation, Box, Polygon, geometry_from_dict

_HEAD = struct.Struct(
    "<BiId"
)  # kind, class, bytes that follow before the attributes, score (NaN: none)
_POINT = struct.Struct("<dd")
_BOX, _RING, _OTHER = 0, 1, 2
_WITH_ATTRIBUTES = 0x80
_NO_SCORE = float("nan")


class PackedRing(NamedTuple):
    """A polygon without holes, score and attributes that nobody has unpacked.

    Attributes:
        class_id: Its class.
        points: x and y of its points in turns, as float64 of this machine.
    """

    class_id: int
    points: bytes


class PackedAnnotations(Sequence[Annotation]):
    """An immutable sequence of annotations that builds them each time it is walked through.

    Args:
        annotations: What to pack.
    """

    __slots__ = ("_count", "_data")

    def __init__(self, annotations: Iterable[Annotation]) -> None:
        parts: list[bytes] = []
        count = 0
        for annotation in annotations:
            parts += _packed(annotation)
            count += 1
        self._data = b"".join(parts)
        self._count = count

    @classmethod
    def of_parts(cls, parts: Sequence[bytes | Annotation]) -> PackedAnnotations:
        """Return annotations of which some are packed already, by :func:`packed_ring`."""
        packed = cls(())
        pieces: list[bytes] = []
        for part in parts:
            pieces += (part,) if isinstance(part, bytes) else _packed(part)
        packed._data, packed._count = b"".join(pieces), len(parts)
        return packed

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Annotation]:
        at = 0
        for _ in range(self._count):
            annotation, at = _unpacked(self._data, at)
            yield annotation

    def parts(self) -> Iterator[PackedRing | Annotation]:
        """Give the annotations in their order, bare polygons as their bytes: for whoever keeps bytes anyway."""
        data, at = self._data, 0
        for _ in range(self._count):
            kind, class_id, size, score = _HEAD.unpack_from(data, at)
            if kind == _RING and score != score:
                begin = at + _HEAD.size
                at = begin + size
                yield PackedRing(class_id, data[begin:at])
            else:
                annotation, at = _unpacked(data, at)
                yield annotation

    @overload
    def __getitem__(self, index: int) -> Annotation: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Annotation, ...]: ...
    def __getitem__(self, index: int | slice) -> Annotation | tuple[Annotation, ...]:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (PackedAnnotations, tuple)):
            return NotImplemented
        return tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash((self._count, self._data))

    def __repr__(self) -> str:
        return f"PackedAnnotations({self._count} shapes, {len(self._data)} bytes)"


def packed_ring(class_id: int, points: bytes) -> bytes:
    """Return a polygon without holes, score and attributes, packed.

    Args:
        class_id: Its class.
        points: x and y of its points in turns, as float64 of this machine.
    """
    return _HEAD.pack(_RING, class_id, len(points), _NO_SCORE) + points


def _packed(annotation: Annotation) -> list[bytes]:
    geometry = annotation.geometry
    if type(geometry) is Box:
        kind, body = _BOX, struct.pack("<4d", geometry.x1, geometry.y1, geometry.x2, geometry.y2)
    elif type(geometry) is Polygon and not geometry.holes:
        flat = [value for point in geometry.exterior for value in point]
        kind, body = _RING, struct.pack(f"<{len(flat)}d", *flat)
    else:
        kind, body = _OTHER, _text(geometry.to_dict())
    score = _NO_SCORE if annotation.score is None else annotation.score
    if not annotation.attributes:
        return [_HEAD.pack(kind, annotation.class_id, len(body), score), body]
    attributes = _text(dict(annotation.attributes))
    head = _HEAD.pack(kind | _WITH_ATTRIBUTES, annotation.class_id, len(body), score)
    return [head, body, struct.pack("<I", len(attributes)), attributes]


def _unpacked(data: bytes, at: int) -> tuple[Annotation, int]:
    kind, class_id, size, score = _HEAD.unpack_from(data, at)
    at += _HEAD.size
    end = at + size
    attributes: dict[str, Any] = {}
    after = end
    if kind & _WITH_ATTRIBUTES:
        (length,) = struct.unpack_from("<I", data, end)
        after = end + 4 + length
        attributes = json.loads(data[end + 4 : after])
    plain = kind & ~_WITH_ATTRIBUTES
    geometry: Any
    if plain == _BOX:
        geometry = Box(*struct.unpack_from("<4d", data, at))
    elif plain == _RING:
        geometry = Polygon(tuple(_POINT.iter_unpack(data[at:end])))
    else:
        geometry = geometry_from_dict(json.loads(data[at:end]))
    return Annotation(geometry, class_id, None if score != score else score, attributes), after


def _text(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
