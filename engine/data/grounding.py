"""Grounding data: pictures with captions, and boxes that say which words of the caption they are about.

The JSON is COCO's with two entries more, as MDETR's (Kamath et al. 2021) and its followers have it: an image has
a ``caption``, an annotation has ``tokens_positive``, a list of [start, end) in characters of that caption. The same
picture may be listed several times with different captions.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.checked_images import check_images
from engine.data.formats.coco_shapes import annotation_of
from engine.data.formats.json_file import read_json
from engine.data.formats.shape_checks import UnusableShapeError
from engine.data.formats.yolo_lines import geometry_values
from engine.data.labels.parse import LabelRow
from engine.data.labels.verify import VerifiedImage
from engine.data.phrases import PhraseDataset
from engine.data.problems import Problem
from engine.runtime.errors import DatasetError

REMEDY = (
    "Each annotation needs tokens_positive=[[start, end], ...], the characters of its image's caption "
    "that it is about."
)


@dataclass(frozen=True)
class CaptionedImage:
    """One entry of the list of images with what belongs to it.

    Attributes:
        file: The picture.
        size_wh: Width and height that its annotations are pixels of; None where the file says nothing.
        rows: Its annotations as in the file.
        phrases: The phrase of each.
    """

    file: Path
    size_wh: tuple[int, int] | None
    rows: tuple[Mapping[str, Any], ...]
    phrases: tuple[str, ...]


class GroundingDataset(PhraseDataset):
    """Samples of captioned pictures; the classes are the distinct phrases of all captions.

    Attributes:
        json_file: The file of captions and boxes.
    """

    def __init__(self, img_path: str | Path, json_file: str | Path, **kwargs: Any) -> None:
        """Read the captions, then find, check and describe the pictures.

        Args:
            img_path: Folder that the file's names are relative to.
            json_file: The JSON.
            kwargs: As for :class:`PhraseDataset`; phrases are those of the file.

        Raises:
            DatasetError: The file cannot be used: it says why, before any picture is opened.
        """
        self.json_file = Path(json_file)
        self._captioned = read_grounding(self.json_file, Path(img_path))
        found = sorted({phrase for image in self._captioned for phrase in image.phrases})
        data = {**(kwargs.pop("data", None) or {}), "names": dict(enumerate(found))}
        data |= {"nc": len(found), "label_nc": len(found)}
        self._numbers = {phrase: number for number, phrase in enumerate(found)}
        super().__init__(img_path, data=data, phrases=found, **kwargs)
        self.phrases = [[phrase] for phrase in found]  # a slash in a caption joins no synonyms

    def find(self, sources: Sequence[str | Path]) -> tuple[list[Path], list[Problem]]:
        """Return the pictures that the file names, as often as it does."""
        return [image.file for image in self._captioned], []

    def verify(self, files: Sequence[Path]) -> list[VerifiedImage]:
        """Return what is known of each picture, with the objects that its caption is about."""
        entries: dict[Path, deque[CaptionedImage]] = defaultdict(deque)
        for image in self._captioned:
            entries[image.file].append(image)
        sizes, digests, problems = check_images(files, self._progress)
        wrong = {problem.file: problem for problem in problems}
        out = []
        for file, (width, height), digest in zip(files, sizes.tolist(), digests, strict=True):
            entry = entries[file].popleft()
            if not width:
                out.append(VerifiedImage(file, None, None, (wrong[file],)))
                continue
            rows, found = self._rows(entry, entry.size_wh or (width, height))
            size = (int(width), int(height))
            out.append(VerifiedImage(file, size, tuple(rows), tuple(found), digest.tobytes()))
        return out

    def _rows(
        self, entry: CaptionedImage, size_wh: tuple[int, int]
    ) -> tuple[list[LabelRow], list[Problem]]:
        """Return the objects of one entry, and what is wrong with those that cannot be used."""
        rows: list[LabelRow] = []
        problems: list[Problem] = []
        for row, phrase in zip(entry.rows, entry.phrases, strict=True):
            try:
                rows.append(label_row(row, self._numbers[phrase], size_wh))
            except UnusableShapeError as error:
                what = f"Annotation {row.get('id')} of {entry.file.name}: {error}"
                problems.append(Problem(self.json_file, None, what))
        return rows, problems


def read_grounding(json_file: Path, folder: Path) -> list[CaptionedImage]:
    """Read a file of captions and boxes.

    Args:
        json_file: The file.
        folder: Where its pictures lie.

    Returns:
        Its images in the order of the file; annotations of crowds are left out.

    Raises:
        DatasetError: It is no such file, or an annotation does not say which words it is about.
    """
    document = read_json(json_file)
    images = _listed(document, "images", json_file)
    rows: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    captions = {_key(image, "id", json_file): image for image in images}
    for row in _listed(document, "annotations", json_file):
        owner = _key(row, "image_id", json_file)
        if owner not in captions:
            raise DatasetError(
                f"Annotation {row.get('id')} belongs to image {owner}, which is not listed.",
                path=json_file,
                value=owner,
            )
        if not row.get("iscrowd"):
            rows[owner].append(row)
    return [_captioned(image, rows[key], folder, json_file) for key, image in captions.items()]


def phrase_of(caption: str, spans: Any) -> str:
    """Return the words of a caption that spans point at, in lower case, parts joined by a space.

    Args:
        caption: The text.
        spans: [[start, end], ...] in characters, end not included.

    Raises:
        ValueError: There are none, or they are not of this caption.
    """
    if not isinstance(spans, list) or not spans:
        raise ValueError("says nothing of which words of the caption it is about")
    parts = []
    for span in spans:
        fits = isinstance(span, list | tuple) and len(span) == 2
        fits = fits and all(isinstance(v, int) and not isinstance(v, bool) for v in span)
        if not fits or not 0 <= span[0] < span[1] <= len(caption):
            raise ValueError(f"points at {span}, which is no part of the caption {caption[:60]!r}")
        parts.append(caption[span[0] : span[1]].strip())
    text = " ".join(part for part in parts if part).lower()
    if not text:
        raise ValueError(f"points at no letter of the caption {caption[:60]!r}")
    return text


def label_row(row: Mapping[str, Any], class_id: int, size_wh: tuple[int, int]) -> LabelRow:
    """Return an annotation as a label: its outline where it has one, else its box, in fractions.

    Raises:
        UnusableShapeError: It has no usable shape.
    """
    annotation, _ = annotation_of(row, class_id, size_wh)
    box = geometry_values(annotation.geometry, *size_wh, "detect")
    if box is None:
        raise UnusableShapeError("It has no area in the picture.")
    polygon = None
    if row.get("segmentation"):
        polygon = geometry_values(annotation.geometry, *size_wh, "segment")
    number = row.get("id")
    return LabelRow(
        number if isinstance(number, int) else 0,
        class_id,
        box.astype(np.float32),
        None if polygon is None else polygon.astype(np.float32),
    )


def _captioned(
    image: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], folder: Path, file: Path
) -> CaptionedImage:
    name, caption = image.get("file_name"), image.get("caption")
    if not isinstance(name, str) or not name:
        raise DatasetError(f"Image {image.get('id')} has no file_name.", path=file)
    if not isinstance(caption, str) or (rows and not caption.strip()):
        raise DatasetError(
            f"Image {image.get('id')} ({name}) has no caption.",
            path=file,
            value=caption,
            remedy="Grounding data needs a caption an image; name plain COCO data as yolo_data.",
        )
    phrases = []
    for row in rows:
        try:
            phrases.append(phrase_of(caption, row.get("tokens_positive")))
        except ValueError as error:
            who = f"Annotation {row.get('id')} of image {image.get('id')} ({name})"
            raise DatasetError(f"{who} {error}.", path=file, remedy=REMEDY) from error
    size = tuple(image.get(key) for key in ("width", "height"))
    known = all(isinstance(v, int) and v > 0 for v in size)
    return CaptionedImage(folder / name, size if known else None, tuple(rows), tuple(phrases))  # type: ignore[arg-type]


def _listed(document: Any, key: str, file: Path) -> list[Mapping[str, Any]]:
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list) or not found or not all(isinstance(r, dict) for r in found):
        raise DatasetError(
            f"It has no list of {key}.",
            path=file,
            remedy="Grounding data is COCO JSON with images, their captions, and annotations.",
        )
    return found


def _key(row: Mapping[str, Any], key: str, file: Path) -> Any:
    found = row.get(key)
    if not isinstance(found, int | str):
        raise DatasetError(f"An entry has no {key}: {str(dict(row))[:80]}.", path=file, value=found)
    return found
