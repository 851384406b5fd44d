"""Several data sets with phrases as one training: detection sets by their class names, grounding sets by captions.

The description is YAML with, for ``train`` and ``val``, ``yolo_data`` (data.yaml files) and ``grounding_data``
(entries of ``img_path`` and ``json_file``):

    train:
      yolo_data: [objects365.yaml]
      grounding_data:
        - {img_path: flickr/images, json_file: flickr/train.json}
    val:
      yolo_data: [lvis.yaml]

Pictures are put together (mosaic, mixup) within a data set only: what one leaves unlabelled may be a class of
another.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import yaml
from torch.utils.data import Dataset

from engine.data.dataset import SampleKey
from engine.data.fetch import open_data_yaml
from engine.data.phrases import PhraseDataset, collate_phrases
from engine.data.sample_threads import make_samples
from engine.data.yaml_file import locate_data_yaml, require_split
from engine.runtime.errors import DatasetError
from engine.runtime.paths import cache_dir, write_atomic

YOLO_DATA, GROUNDING_DATA = "yolo_data", "grounding_data"
KINDS = (YOLO_DATA, GROUNDING_DATA)
REMEDY = (
    "Write train: with yolo_data: [data.yaml, ...] and grounding_data: [{img_path: ..., json_file: ...}, ...], "
    "and val: with yolo_data: [data.yaml]."
)


def is_mixed(values: Mapping[str, Any]) -> bool:
    """Tell whether the entries of a description name several data sets."""
    return any(isinstance(values.get(split), dict) for split in ("train", "val"))


def open_mixed_yaml(path: str | Path) -> dict[str, Any]:
    """Read a description of several data sets, or of a single one.

    Args:
        path: The YAML file.

    Returns:
        What ``read_data_yaml`` returns of the data set to measure on, with ``sources`` beside it: a list of
        ``{"data": ...}`` and ``{"img_path": Path, "json_file": Path}``, the data sets to train on.

    Raises:
        DatasetError: It cannot be used.
    """
    file, values = locate_data_yaml(path)
    if not is_mixed(values):
        data = dict(open_data_yaml(path))
        require_split(data, "train")
        data["val"] = data["val"] or data["test"] or require_split(data, "val")
        return {**data, "sources": [{"data": dict(data)}]}
    train = _split(values, "train", file)
    sources: list[dict[str, Any]] = []
    for entry in train[YOLO_DATA]:
        data = dict(open_data_yaml(_place(entry, file)))
        require_split(data, "train")
        sources.append({"data": data})
    sources += [_grounding(entry, file) for entry in train[GROUNDING_DATA]]
    if not sources:
        raise DatasetError("It names nothing to train on.", path=file, remedy=REMEDY)
    measured = dict(open_data_yaml(_place(_measured(values, file), file)))
    measured["val"] = measured["val"] or measured["test"] or require_split(measured, "val")
    return {**measured, "sources": sources, "yaml_file": file}


def keep_description(values: Mapping[str, Any]) -> Path:
    """Write a description that was given as a dictionary into the cache folder, and give its file.

    Paths in it are taken from the working folder.

    Raises:
        DatasetError: It holds something else than plain values.
    """
    try:
        text = yaml.safe_dump(_absolute(values), sort_keys=True, allow_unicode=True)
    except yaml.YAMLError as error:
        raise DatasetError(f"It holds more than plain values ({error}).", value=values) from error
    name = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return write_atomic(cache_dir() / "mixed_data" / f"{name}.yaml", text)


class MixedDataset(Dataset):
    """The samples of several data sets, one after the other.

    Attributes:
        parts: The data sets.
        texts: Every text that a sample may name, each once.
        labels: Descriptions of all pictures; classes count in ``names``.
        names: Texts of all classes, by number.
    """

    def __init__(self, parts: Sequence[PhraseDataset]) -> None:
        """Take the data sets, at least one.

        Raises:
            DatasetError: They differ in the channels of their pictures.
        """
        self.parts = list(parts)
        channels = {part.channels for part in self.parts}
        if len(channels) > 1:
            raise DatasetError(
                f"The data sets have pictures of {', '.join(map(str, sorted(channels)))} channels.",
                remedy="Train on data sets with the same channels.",
            )
        self._ends = list(accumulate(len(part) for part in self.parts))
        self.texts = list(dict.fromkeys(text for part in self.parts for text in part.texts))
        self.names, self.labels = _joined_labels(self.parts)
        self.problems = [problem for part in self.parts for problem in part.problems]
        self.counts: Counter[str] = Counter()
        for part in self.parts:
            self.counts += part.counts
        self.digests = {k: v for part in self.parts for k, v in part.digests.items()}
        self.im_files = [file for part in self.parts for file in part.im_files]
        self.imgsz, self.channels, self.rect = self.parts[0].imgsz, channels.pop(), False

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, key: int | SampleKey) -> dict[str, Any]:
        """Return one sample; see :meth:`engine.data.dataset.YOLODataset.__getitem__`."""
        index, epoch, blends, *near = key if isinstance(key, tuple) else (key, 0, self.blends)
        number = bisect_right(self._ends, index)
        start = self._ends[number] - len(self.parts[number])
        end = self._ends[number]
        # those of other data sets take no part; where none is left, any of its own may
        mine = tuple(n - start for several in near for n in several if start <= n < end)
        own = (index - start, epoch, blends)
        return self.parts[number][(*own, mine) if mine else own]

    def __getitems__(self, keys: Sequence[int | SampleKey]) -> list[dict[str, Any]]:
        """Return the samples of a batch."""
        decodes = not all(part.images.has_all for part in self.parts)
        return make_samples(self.__getitem__, keys, decodes)

    @property
    def blends(self) -> bool:
        """Whether other pictures take part in a sample."""
        return self.parts[0].blends

    def close_mosaic(self, hyp: Any = None) -> None:
        """From the next epoch on, make samples of single pictures only."""
        for part in self.parts:
            part.close_mosaic(hyp)

    collate_fn = staticmethod(collate_phrases)


def _joined_labels(
    parts: Sequence[PhraseDataset],
) -> tuple[dict[int, str], list[dict[str, Any]]]:
    """Return all texts by number, and the labels of all pictures with their classes among them."""
    numbers: dict[str, int] = {}
    labels: list[dict[str, Any]] = []
    for part in parts:
        firsts = [several[0] for several in part.phrases]
        place = [numbers.setdefault(text, len(numbers)) for text in firsts]
        if place == list(range(len(place))):
            labels += part.labels
            continue
        for label in part.labels:
            classes = [[float(place[int(c)])] for c in label["cls"][:, 0]]
            values = label["cls"].dtype.type(classes).reshape(-1, 1)
            labels.append({**label, "cls": values})
    return {number: text for text, number in numbers.items()}, labels


def _absolute(value: Any) -> Any:
    """Return plain values in which texts that name an existing file or folder are absolute paths."""
    if isinstance(value, Mapping):
        return {str(key): _absolute(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_absolute(v) for v in value]
    if isinstance(value, str | Path):
        path = Path(value).expanduser()
        return str(path.absolute()) if path.exists() else str(value)
    return value


def _split(values: Mapping[str, Any], split: str, file: Path) -> dict[str, list[Any]]:
    """Return the entries of both kinds of a split."""
    given = values.get(split)
    if not isinstance(given, dict) or set(given) - set(KINDS) or not given:
        raise DatasetError(
            f"Expected '{split}' to have {' and '.join(KINDS)}, received {str(given)[:80]}.",
            path=file,
            value=given,
            remedy=REMEDY,
        )
    entries = {kind: given.get(kind) or [] for kind in KINDS}
    return {k: list(v) if isinstance(v, list | tuple) else [v] for k, v in entries.items()}


def _measured(values: Mapping[str, Any], file: Path) -> Any:
    """Return the one data set to measure on."""
    found = _split(values, "val", file)[YOLO_DATA]
    if len(found) != 1:
        raise DatasetError(
            f"Expected one entry of val: yolo_data to measure on, found {len(found)}.",
            path=file,
            remedy=REMEDY,
        )
    return found[0]


def _grounding(entry: Any, file: Path) -> dict[str, Any]:
    keys = ("img_path", "json_file")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in keys):
        raise DatasetError(
            f"Expected img_path and json_file, received {str(entry)[:80]}.",
            path=file,
            value=entry,
            remedy=REMEDY,
        )
    found = {key: _place(entry[key], file) for key in keys}
    missing = [str(place) for place in found.values() if not place.exists()]
    if missing:
        raise DatasetError(
            f"{missing[0]} does not exist.",
            path=file,
            value=missing[0],
            remedy="Correct grounding_data.",
        )
    return found


def _place(entry: Any, file: Path) -> Path:
    """Return a path beside the description, or as it is."""
    if not isinstance(entry, str):
        raise DatasetError(f"Expected a path, received {str(entry)[:80]}.", path=file, value=entry)
    beside = file.parent / Path(entry).expanduser()
    return beside if beside.exists() else Path(entry).expanduser()
