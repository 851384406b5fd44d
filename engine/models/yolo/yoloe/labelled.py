"""The classes of a data set for YOLOE: by its names as words, or by what its labels show on average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.data.dataset import YOLODataset
from engine.data.images import read_image
from engine.data.mixed import open_mixed_yaml
from engine.models.yolo.yoloe.predict import YOLOEVPDetectPredictor, YOLOEVPSegPredictor
from engine.models.yolo.yoloe.prompts import parse_prompts
from engine.models.yolo.yoloe.words import Encoder, class_texts, encoder_for
from engine.nn.open_vocabulary import YOLOEModel
from engine.ops.boxes import clip_boxes, xywhn2xyxy
from engine.runtime.errors import ConfigError
from engine.runtime.log import LOGGER

# task -> what predicts by visual prompts
PROMPTED: dict[str, type[YOLOEVPDetectPredictor]] = {
    "detect": YOLOEVPDetectPredictor,
    "segment": YOLOEVPSegPredictor,
}
# Arguments of a validation or training that also say how reference pictures are looked at
SEEN_WITH = ("imgsz", "device", "half")


def network_for_data(
    network: YOLOEModel,
    given: Mapping[str, Any],
    encoder: Encoder = None,
    load_vp: bool = False,
    refer_data: str | Path | None = None,
) -> YOLOEModel:
    """Return a network that looks for the classes of a data set: the given one where it does, else a copy.

    Args:
        network: The network.
        given: Arguments with ``data``, and those of :data:`SEEN_WITH` where they are set.
        encoder: What encodes the names; None for the one that the network was trained with.
        load_vp: Take what labels show instead of the names.
        refer_data: data.yaml of the pictures that show it, with the same classes; None takes the measured ones.

    Raises:
        ConfigError: The data sets do not fit each other.
        MissingCheckpointError: The text encoder's file is not there.
        ModelError: The network's classes are in its weights and are others.
    """
    names = open_mixed_yaml(given["data"])["names"]
    # with single_cls whatever is found counts as the same thing
    alone = bool(given.get("single_cls")) and network.pe is not None
    if not load_vp and (alone or names == network.names):
        return network
    if load_vp:
        data = open_mixed_yaml(refer_data or given["data"])
        if data["names"] != names:
            raise ConfigError("refer_data has other classes than data.", path=data["yaml_file"])
        embeddings = embed_labels(prompted(network, given), data)
    else:
        embeddings = network.get_text_pe(class_texts(names), encoder_for(network, encoder))
    copy = deepcopy(network)
    copy.set_classes(list(names.values()), embeddings)
    return copy


def prompted(network: YOLOEModel, given: Mapping[str, Any]) -> YOLOEVPDetectPredictor:
    """Return a predictor by visual prompts, set up.

    Args:
        network: Its network.
        given: Arguments, of which those of :data:`SEEN_WITH` are taken.
    """
    known = {key: given[key] for key in SEEN_WITH if given.get(key) is not None}
    predictor = PROMPTED[network.task](overrides=known)
    predictor.setup_model(network)
    return predictor


def labelled_pictures(data: Mapping[str, Any], most: int | None = None) -> list[dict[str, Any]]:
    """Return the training pictures of a data set that have labels, described as by :class:`YOLODataset`.

    Args:
        data: What ``read_data_yaml`` returned.
        most: About how many to return, evenly spread, and beside them those that alone show a class; None
            for all.

    Raises:
        ConfigError: There is no labelled picture.
        DatasetError: The pictures cannot be read.
    """
    dataset = YOLODataset(data["train"] or data["val"], data=data, task="detect", augment=False)
    labels = [label for label in dataset.labels if len(label["cls"])]
    if not labels:
        raise ConfigError(
            "visual prompts from a data set need labelled pictures.", path=data["yaml_file"]
        )
    shown: set[int] = set()
    chosen = []
    step = max(1, len(labels) // most) if most else 1
    for number, label in enumerate(labels):
        here = {int(c) for c in label["cls"].reshape(-1)}
        if number % step == 0 or here - shown:
            chosen.append(label)
            shown |= here
    missing = [name for number, name in data["names"].items() if number not in shown]
    if missing:
        LOGGER.warning("%s shows no %s.", data["yaml_file"], ", ".join(missing))
    return chosen


@torch.no_grad()
def embed_labels(
    predictor: YOLOEVPDetectPredictor,
    data: Mapping[str, Any],
    pictures: Sequence[Mapping[str, Any]] | None = None,
) -> Tensor:
    """Return the mean embedding of each class over pictures whose labels show it.

    Args:
        predictor: Has a network set up; its prompts are replaced.
        data: What ``read_data_yaml`` returned.
        pictures: As :func:`labelled_pictures` gives them; None takes all training pictures.

    Returns:
        (1, nc, embed), each of length one; zeros for classes that no picture shows, which are then never
        found.

    Raises:
        ConfigError: There is no labelled picture.
        DatasetError: The pictures cannot be read.
    """
    total: Tensor | None = None
    for label in labelled_pictures(data) if pictures is None else pictures:
        image = read_image(label["im_file"])
        height, width = image.shape[:2]
        boxes = clip_boxes(xywhn2xyxy(label["bboxes"], width, height), (height, width))
        there = (boxes[:, 2:] > boxes[:, :2]).all(1)
        if not there.any():
            continue
        shown = {"bboxes": boxes[there], "cls": label["cls"].reshape(-1)[there]}
        prompts = parse_prompts(shown)
        predictor.set_prompts(prompts)
        seen = predictor.embed(image, prompts.of_picture(0))
        total = seen.new_zeros(len(data["names"]), seen.shape[1]) if total is None else total
        total[list(prompts.classes)] += seen
    if total is None:
        raise ConfigError(
            "visual prompts from a data set need labelled pictures.", path=data["yaml_file"]
        )
    return F.normalize(total, dim=-1)[None]
