"""A COCO file: found, recognised by its first and last lines, and parsed without keeping a million dictionaries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.data.formats.json_file import MAX_BYTES, read_json
from engine.runtime.errors import DatasetError

_SNIFF = 1 << 14
_LISTS = re.compile(rb'"(?:images|annotations|categories)"\s*:\s*[\[{]')
_PANOPTIC = re.compile(rb'"(?:segments_info|isthing)"')
_FOREIGN = re.compile(rb'"(?:items|shapes|imagePath)"\s*:')
_SPLITS = (
    (re.compile(r"(?<![a-z])train"), "train"),
    (re.compile(r"(?<![a-z])val"), "val"),
    (re.compile(r"(?<![a-z])test"), "test"),
)
# Of several files about the same pictures the first of these is read.
_PREFERRED = ("instances", "_annotations.coco", "annotations", "coco", "person_keypoints")


@dataclass
class Document:
    """The parts of a COCO file.

    Attributes:
        path: The file.
        images: Its list of images, any JSON values.
        categories: Its list of categories, any JSON values.
        annotations: Its annotations, packed; None where it has no such list.
        header: Everything else at its top: ``info``, ``licenses`` ...
    """

    path: Path
    images: Any = field(default_factory=list)
    categories: Any = field(default_factory=list)
    annotations: list[Any] | None = None
    header: dict[str, Any] = field(default_factory=dict)

    def row(self, index: int) -> Any:
        """Return one annotation, any JSON value; None where its text is no UTF-8."""
        packed = (self.annotations or [])[index]
        if not isinstance(packed, msgspec.Raw):
            return packed
        try:
            return _DECODE.decode(packed)
        except (ValueError, RecursionError):
            return None

    def owners(self) -> Iterable[Any]:
        """Give the image_id of each annotation in order, whatever it is."""
        for packed in self.annotations or ():
            if isinstance(packed, msgspec.Raw):
                yield _owner(packed)
            else:
                yield packed.get("image_id") if isinstance(packed, dict) else None


class _Parts(msgspec.Struct):
    annotations: list[msgspec.Raw] | None = None
    images: msgspec.Raw = msgspec.Raw(b"[]")
    categories: msgspec.Raw = msgspec.Raw(b"[]")
    info: msgspec.Raw = msgspec.Raw(b"null")
    licenses: msgspec.Raw = msgspec.Raw(b"null")


class _Owner(msgspec.Struct):
    image_id: Any = None


_DECODE = msgspec.json.Decoder()
_DECODE_PARTS = msgspec.json.Decoder(_Parts)
_DECODE_OWNER = msgspec.json.Decoder(_Owner)


def read_document(path: Path) -> Document:
    """Parse a COCO file; annotations stay text until each is asked for.

    What stays in memory is the file's text and a place in it for each annotation. Files with NaN or other
    oddities are parsed whole by Python's own reader, which also names the place of mistakes.

    Raises:
        DatasetError: It cannot be read or is not valid JSON, or is no COCO file.
    """
    try:
        # Not mapped: another program that cuts a mapped file short kills this one.
        text = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        parts = _DECODE_PARTS.decode(text)
        images, categories = _DECODE.decode(parts.images), _DECODE.decode(parts.categories)
        header = {"info": _DECODE.decode(parts.info), "licenses": _DECODE.decode(parts.licenses)}
    except OSError as error:
        raise DatasetError(f"Cannot be read: {error.strerror or error}.", path=path) from error
    except (ValueError, RecursionError):
        return _odd_document(path)
    header = {name: value for name, value in header.items() if value is not None}
    return Document(path, images, categories, parts.annotations, header)


def is_document(path: Path, is_panoptic: bool = False) -> bool:
    """Tell by the beginning and the end of a file whether it is COCO's, of instances or panoptic."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFF)
            file.seek(max(0, path.stat().st_size - _SNIFF))
            tail = file.read(_SNIFF)
    except OSError:
        return False
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") or _FOREIGN.search(head[:_SNIFF]):
        return False
    if not (_LISTS.search(head) or _LISTS.search(tail)):
        return False
    return bool(_PANOPTIC.search(head) or _PANOPTIC.search(tail)) == is_panoptic


def find_documents(path: Path, is_panoptic: bool = False) -> list[Path]:
    """Return the COCO files that a file or folder names, sorted: in it, in ``annotations``, one a split."""
    if path.is_file():
        return [path] if is_document(path, is_panoptic) else []
    folders = [path, *(path / name for name in ("annotations", "train", "valid", "val", "test"))]
    found = [p for folder in folders if folder.is_dir() for p in sorted(folder.glob("*.json"))]
    return [p for p in found if is_document(p, is_panoptic)]


def split_of(path: Path) -> str | None:
    """Return the split that a file's name, or else its folder's, speaks of."""
    for name in (path.stem.lower(), path.parent.name.lower()):
        for pattern, split in _SPLITS:
            if pattern.search(name):
                return split
    return None


def one_a_split(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """Return the file to read of each split, and the others, which speak of the same pictures again."""
    chosen: dict[tuple[str | None, bool], Path] = {}
    for path in sorted(paths, key=_preference):
        chosen.setdefault((split_of(path), "unlabelled" in path.stem), path)
    return [p for p in paths if p in chosen.values()], [
        p for p in paths if p not in chosen.values()
    ]


def _preference(path: Path) -> tuple[int, str]:
    ranks = (i for i, name in enumerate(_PREFERRED) if path.stem.startswith(name))
    return next(ranks, len(_PREFERRED)), path.name


def _odd_document(path: Path) -> Document:
    value = read_json(path)
    if not isinstance(value, dict) or not {"images", "annotations", "categories"} & set(value):
        raise DatasetError(
            "It is no COCO file: expected an object with 'images', 'annotations' and 'categories', "
            f"received {type(value).__name__}.",
            path=path,
        )
    annotations = value.get("annotations")
    if annotations is not None and not isinstance(annotations, list):
        raise DatasetError(
            f"Expected 'annotations' as a list, received {type(annotations).__name__}.", path=path
        )
    header = {name: value[name] for name in ("info", "licenses") if value.get(name) is not None}
    images, categories = value.get("images", []), value.get("categories", [])
    return Document(path, images, categories, annotations, header)


def _owner(packed: msgspec.Raw) -> Any:
    try:
        return _DECODE_OWNER.decode(packed).image_id
    except (ValueError, RecursionError):  # the annotation is no object
        return None
