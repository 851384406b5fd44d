"""What a validation leaves behind beside its numbers: the record's images, label text, COCO's file, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.coco_json import CocoPredictions
from engine.core.result_text import format_lines
from engine.core.validation_record import FOUND_SCORE, SHOWN_SCORE, Objects, ValidationRecord
from engine.core.validator import BaseValidator
from engine.drawing.mosaic import plot_images
from engine.ops.boxes import xyxy2xywh, xyxy2xywhn

# Tensors, and what a task notes down of them
Predictions = dict[str, Any]
# Images in a picture of a batch
MAX_PICTURED = 16
# Index of IoU 0.5 among the thresholds of a match
AT_HALF = 0


class KeepingValidator(BaseValidator):
    """The part of a validator of boxes that writes and draws, image by image.

    Attributes:
        record: What goes into validation.json.
        coco: What goes into predictions.json; None where nobody asked for it.
    """

    record: ValidationRecord
    coco: CocoPredictions | None

    def to_fractions(self, boxes: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        """Turn predictions' boxes into what a batch has: centre and size as fractions."""
        return xyxy2xywhn(boxes, w=shape[1], h=shape[0])

    def outlines(
        self, found: Predictions, labels: dict[str, Any], rows: np.ndarray
    ) -> tuple[list[np.ndarray] | None, list[np.ndarray] | None]:
        """Give the outlines of the labels and of some predictions; None for a task without."""
        return None, None

    def complete(
        self,
        truth: Objects,
        seen: Objects,
        found: Predictions,
        labels: dict[str, Any],
        rows: np.ndarray,
    ) -> None:
        """Add to the record's labels and predictions (``rows`` of ``found``) what a task has beside boxes."""

    def plot_val_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw a batch with its labels to ``val_batchN_labels.jpg``."""
        if self.training and self.save_dir.joinpath(f"val_batch{ni}_labels.jpg").exists():
            return  # the same every epoch
        plot_images(batch, fname=self.save_dir / f"val_batch{ni}_labels.jpg", names=self.names)

    def plot_predictions(
        self, batch: dict[str, Any], predictions: list[Predictions], ni: int
    ) -> None:
        """Draw a batch with its predictions to ``val_batchN_pred.jpg``."""
        height, width = batch["img"].shape[2:]
        drawn = self.drawable(predictions[:MAX_PICTURED], (height, width))
        drawn["bboxes"] = self.to_fractions(drawn["bboxes"], (height, width))
        drawn |= {"img": batch["img"], "im_file": batch["im_file"]}
        plot_images(
            drawn,
            fname=self.save_dir / f"val_batch{ni}_pred.jpg",
            names=self.names,
            max_images=MAX_PICTURED,
        )

    def drawable(
        self, predictions: list[Predictions], shape: tuple[int, int]
    ) -> dict[str, torch.Tensor]:
        """Give the sure predictions of some images as flat lists: corners in input pixels, and more.

        Args:
            predictions: One dictionary an image.
            shape: (height, width) of the network's input.
        """
        rows = [torch.where(p["conf"] >= FOUND_SCORE)[0] for p in predictions]
        lists = {
            key: torch.cat([p[key][r] for p, r in zip(predictions, rows, strict=True)]).cpu()
            for key in ("bboxes", "cls", "conf")
        }
        image = torch.arange(len(rows)).repeat_interleave(torch.tensor([len(r) for r in rows]))
        return {"batch_idx": image, **lists}

    def _keep(
        self, found: Predictions, boxes: torch.Tensor, labels: dict[str, Any], pairs: np.ndarray
    ) -> None:
        """Write one image to the record and to the files that were asked for."""
        conf = found["conf"].cpu().numpy()
        everything = self.args.save_txt or self.args.save_hybrid or self.coco is not None
        rows = np.flatnonzero(conf >= (0 if everything else SHOWN_SCORE))
        truth_outlines, outlines = self.outlines(found, labels, rows)
        sure = pairs[conf >= FOUND_SCORE, AT_HALF]
        truth = Objects(
            labels["cls"],
            labels["bboxes"].cpu().numpy(),
            truth_outlines,
            np.isin(np.arange(len(labels["cls"])), sure),
        )
        seen = Objects(
            found["cls"].cpu().numpy()[rows],
            boxes.cpu().numpy()[rows],
            outlines,
            pairs[rows, AT_HALF] >= 0,
            conf[rows],
        )
        self.complete(truth, seen, found, labels, rows)
        height, width = labels["ori_shape"]
        self.record.add(labels["file"], (width, height), truth, seen.at_least(SHOWN_SCORE))
        if self.coco is not None:
            self.coco.add(labels["file"], (width, height), seen)
        if self.args.save_txt:
            self._write_text("labels", labels, seen, scored=self.args.save_conf)
        if self.args.save_hybrid:
            new = np.flatnonzero(~seen.matched & (conf[rows] >= max(self.conf, FOUND_SCORE)))
            self._write_text("labels_hybrid", labels, truth)
            self._write_text("labels_hybrid", labels, seen.take(new), append=True)

    def _write_text(
        self,
        folder: str,
        labels: dict[str, Any],
        seen: Objects,
        scored: bool = False,
        append: bool = False,
    ) -> None:
        """Write one image's objects as label text to a folder of the run, or add them to what is there."""
        height, width = labels["ori_shape"]
        size = np.array([width, height], dtype=np.float32)
        outlines = seen.outlines if seen.corners is None else list(seen.corners)
        outlines = None if outlines is None else [o / size for o in outlines]
        boxes = xyxy2xywh(seen.boxes) / np.tile(size, 2)
        points = None
        if seen.keypoints is not None:
            points = seen.keypoints / np.append(size, 1)[: seen.keypoints.shape[2]]
            # not -1: without an object nothing says how many numbers a row has
            points = points.reshape(len(points), points.shape[1] * points.shape[2])
        scores = seen.scores if scored else None
        lines = format_lines(seen.classes, boxes, outlines, scores, points_n=points)
        path = self.save_dir / folder / f"{Path(labels['file']).stem}.txt"
        path.parent.mkdir(exist_ok=True)
        with path.open("a" if append else "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
