"""Classes by the labels of a data set: what each looks like on average, for YOLOE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.data.dataset import YOLODataset
from engine.data.images import read_image
from engine.models.yolo.yoloe.predict import YOLOEVPDetectPredictor
from engine.models.yolo.yoloe.prompts import parse_prompts
from engine.ops.boxes import clip_boxes, xywhn2xyxy
from engine.runtime.errors import ConfigError
from engine.runtime.log import LOGGER


@torch.no_grad()
def embed_labels(predictor: YOLOEVPDetectPredictor, data: Mapping[str, Any]) -> Tensor:
    """Return the mean embedding of each class over the training pictures that show it.

    Args:
        predictor: Has a network set up; its prompts are replaced.
        data: What ``read_data_yaml`` returned.

    Returns:
        (1, nc, embed), each of length one; zeros for classes that no picture shows, which are then never
        found.

    Raises:
        ConfigError: There is no labelled picture.
        DatasetError: The pictures cannot be read.
    """
    names = data["names"]
    dataset = YOLODataset(data["train"] or data["val"], data=data, task="detect", augment=False)
    total: Tensor | None = None
    for label in dataset.labels:
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
        total = seen.new_zeros(len(names), seen.shape[1]) if total is None else total
        total[list(prompts.classes)] += seen
    if total is None:
        raise ConfigError(
            "visual prompts from a data set need labelled pictures.", path=data["yaml_file"]
        )
    missing = [name for i, name in names.items() if not total[i].any()]
    if missing:
        LOGGER.warning("%s shows no %s.", data["yaml_file"], ", ".join(missing))
    return F.normalize(total, dim=-1)[None]
