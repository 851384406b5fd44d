"""Training of YOLOE, boxes: on words, by linear probing, on mixed data, and of visual prompts.

Wang et al., YOLOE: Real-Time Seeing Anything, 2025. The same with masks: `train_seg`.
"""

from __future__ import annotations

from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.given import named_data
from engine.data.build import build_yolo_dataset
from engine.data.grounding import GroundingDataset
from engine.data.mixed import MixedDataset, open_mixed_yaml
from engine.data.phrases import MOST_PHRASES, PhraseDataset, Prompts
from engine.drawing.mosaic import plot_images
from engine.losses.open_vocabulary import without_classes
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.yoloe.labelled import embed_labels, labelled_pictures, prompted
from engine.models.yolo.yoloe.probe import LinearProbe
from engine.models.yolo.yoloe.shared_prompts import fitted, shared_prompts
from engine.models.yolo.yoloe.val import YOLOEDetectValidator
from engine.models.yolo.yoloe.words import (
    Encoder,
    check_free,
    check_probable,
    class_texts,
    encoder_for,
    keep_text_model,
)
from engine.nn.base_model import BaseModel
from engine.nn.checkpoint import load_checkpoint
from engine.nn.open_vocabulary import YOLOEModel
from engine.runtime.errors import ConfigError

# Pictures from which visual prompts are taken to measure a training by, evenly spread
REFER_PICTURES = 100


class YOLOETrainer(DetectionTrainer):
    """Trains all of a YOLOE model, with the names of the classes as words.

    What is validated and saved knows the classes of the data set; others can be set later.

    Attributes:
        text_encoder: What turns phrases into embeddings: an encoder, a name or path for
            `engine.nn.text.registry.open_encoder`, or None for the one that the model names.

    Examples:
        >>> trainer = YOLOETrainer(overrides={"model": "yoloe-11s.pt", "data": "data.yaml"})
        >>> trainer.train()
    """

    task = "detect"
    default_model = "yoloe-11n.yaml"
    loss_names: tuple[str, ...] = ("box", "cls", "dfl")
    model_class: type[BaseModel] = YOLOEModel
    validator_class = YOLOEDetectValidator
    prompts: Prompts = "text"
    text_encoder: Encoder = None

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> nn.Module:
        """Build the network; for more than 80 classes it is asked about 80 phrases an image.

        Args:
            cfg: Name, path or content of a model description; None takes the default model's.
            weights: Model or checkpoint whose fitting weights are taken over; a path is read.
            verbose: Log the layers.

        Raises:
            ModelError: The description is not one for this task, or the weights cannot be trained.
        """
        weights = load_checkpoint(weights) if isinstance(weights, str | Path) else weights
        check_free(weights)
        model = super().get_model(cfg, weights, verbose)
        keep_text_model(model, weights)
        return model

    def classes_to_build(self) -> int | None:
        """Give the largest number of phrases that an image is asked about."""
        classes = super().classes_to_build()
        return None if classes is None else min(classes, MOST_PHRASES)

    def set_model_attributes(self) -> None:
        """Give the model the classes of the data set, before any picture is opened."""
        super().set_model_attributes()
        if isinstance(self.text_encoder, str | Path):
            self.model.yaml["text_model"] = str(self.text_encoder)
        self.embeddings: dict[str, Tensor] = {}
        names = self.data["names"]
        self.learn_texts(class_texts(names))
        self.model.set_classes(list(names.values()), self.class_embeddings(self.model))
        self.model.names = names

    def learn_texts(self, texts: list[str]) -> None:
        """Encode phrases that are met for the first time.

        Raises:
            MissingCheckpointError: The text encoder's file is not there.
            ModelError: The encoder does not fit the model.
        """
        new = [text for text in texts if text not in self.embeddings]
        if new:
            made = self.team.hand_out(f"phrases {len(self.embeddings)}", lambda: self._encode(new))
            rows = torch.frombuffer(bytearray(made), dtype=torch.float32).view(len(new), -1)
            self.embeddings |= dict(zip(new, rows, strict=True))

    @torch.no_grad()
    def class_embeddings(self, network: Any) -> Tensor:
        """Give the embeddings (1, nc, embed) by which a network finds the classes of the data set."""
        rows = [self.embeddings[text] for text in class_texts(self.data["names"])]
        embeddings: Tensor = network.head.get_tpe(torch.stack(rows)[None].to(network.pe_like()))
        return embeddings

    def build_dataset(self, img_path: Any, mode: str = "train", batch: int | None = None) -> Any:
        """Build the data set of one split; a training's says of each image what it is asked about."""
        if mode != "train":
            return super().build_dataset(img_path, mode, batch)
        dataset = self.build_phrases(img_path, batch)
        if self.prompts == "text":
            self.learn_texts(dataset.texts)
        return dataset

    def build_phrases(self, img_path: Any, batch: int | None) -> Any:
        """Build the training's data set."""
        kind = partial(PhraseDataset, prompts=self.prompts)
        return build_yolo_dataset(
            self.args, img_path, batch, self.data, stride=self.stride, kind=kind
        )

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Move a batch to the device, and give it ``txt_feats`` (B, N, embed) of its ``texts``.

        ``no_text`` (B, N) is true where an image is asked about fewer phrases than others.
        """
        batch = super().preprocess_batch(batch)
        if self.prompts == "text" and "texts" in batch:
            batch["txt_feats"], batch["no_text"] = self._text_features(batch["texts"])
        return batch

    def forward(self, batch: dict[str, Any]) -> Any:
        """Run the network on a batch with the phrases of each image."""
        raw = self.network(batch["img"], tpe=batch["txt_feats"])
        return without_classes(raw, batch["no_text"])

    def validate(self) -> tuple[dict[str, float], float]:
        """Validate the averaged weights on the classes of the data set."""
        self.give_classes()
        return super().validate()

    def save_model(self) -> None:
        """Write the checkpoints, with the classes as the averaged weights know them."""
        if not self.args.val:
            self.give_classes()
        super().save_model()

    def give_classes(self) -> None:
        """Renew the classes of the averaged network, whose adapter of embeddings has learnt."""
        network = self.ema.ema
        network.pe.copy_(self.class_embeddings(network))

    def names_of_loss(self) -> tuple[str, ...]:
        """Name the parts of the loss; of heads without bins ``dfl`` is the distance itself."""
        return type(self).loss_names

    def plot_training_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw a batch with its labels to ``train_batchN.jpg``."""
        names: dict[str, int] = {}
        classes = batch["cls"].clone()
        pairs = zip(batch["batch_idx"].tolist(), batch["cls"].view(-1).tolist(), strict=True)
        for place, (image, label) in enumerate(pairs):
            text = batch["texts"][int(image)][int(label)]
            classes[place] = names.setdefault(text, len(names))
        shown = {**batch, "cls": classes}
        told = {number: text for text, number in names.items()}
        plot_images(shown, fname=self.save_dir / f"train_batch{ni}.jpg", names=told)

    def _encode(self, texts: list[str]) -> bytes:
        """Return embeddings (N, embed) float32 as bytes: an encoder need be in one of several processes only."""
        encoder = encoder_for(self.model, self.text_encoder)
        rows = self.model.encode_phrases(texts, encoder)[0]
        return bytes(rows.float().cpu().contiguous().numpy().tobytes())

    def _text_features(self, texts: list[list[str]]) -> tuple[Tensor, Tensor]:
        """Return (B, N, embed) embeddings of each image's phrases, and (B, N) bool where there is none."""
        count = max(1, *(len(several) for several in texts))
        features = torch.zeros(len(texts), count, self.model.head.embed)
        missing = torch.ones(len(texts), count, dtype=torch.bool)
        for row, absent, several in zip(features, missing, texts, strict=True):
            if several:
                row[: len(several)] = torch.stack([self.embeddings[text] for text in several])
                absent[: len(several)] = False
        return features.to(self.device), missing.to(self.device)


class YOLOEPETrainer(LinearProbe, DetectionTrainer):
    """Adapts a trained YOLOE model by linear probing: only the last layers of the classes learn.

    What comes out is a plain detection model: its classes cannot be changed any more.

    Examples:
        >>> trainer = YOLOEPETrainer(overrides={"model": "yoloe-11s.pt", "data": "data.yaml"})
        >>> trainer.train()
    """

    default_model = "yoloe-11n.yaml"
    model_class: type[BaseModel] = YOLOEModel


class YOLOETrainerFromScratch(YOLOETrainer):
    """Trains on several data sets: detection data by class names, grounding data by the words of captions.

    ``data`` is a description as `engine.data.mixed` reads it; a plain data.yaml is one of a single data set.

    Examples:
        >>> trainer = YOLOETrainerFromScratch(overrides={"model": "yoloe-11s.yaml", "data": "mixed.yaml"})
        >>> trainer.train()
    """

    def get_dataset(self) -> dict[str, Any]:
        """Read the description.

        Raises:
            ConfigError: No data set was named, or arguments do not fit several data sets.
            DatasetError: A description cannot be used.
        """
        data = open_mixed_yaml(named_data(self.args, "training"))
        for name in ("rect", "single_cls", "classes"):
            if getattr(self.args, name):
                raise ConfigError(
                    f"{name}= cannot be used with several data sets.",
                    value=getattr(self.args, name),
                    remedy=f"Leave {name} out.",
                )
        return data

    def build_phrases(self, img_path: Any, batch: int | None) -> Any:
        """Build the training's data sets, joined."""
        return MixedDataset([self._part(source, batch) for source in self.data["sources"]])

    def plot_training_labels(self) -> None:
        """Draw the labels' statistics, classes being the texts of all data sets."""
        data, self.data = self.data, {**self.data, "names": self.train_loader.dataset.names}
        try:
            super().plot_training_labels()
        finally:
            self.data = data

    def _part(self, source: dict[str, Any], batch: int | None) -> PhraseDataset:
        """Build one data set."""
        kind: Any = partial(PhraseDataset, prompts=self.prompts)
        data: dict[str, Any] = source.get("data") or {"channels": self.data["channels"]}
        place: Any = data.get("train")
        if "json_file" in source:
            kind = partial(GroundingDataset, json_file=source["json_file"], prompts=self.prompts)
            place = source["img_path"]
        made: Any = build_yolo_dataset(
            copy(self.args), place, batch, data, stride=self.stride, kind=kind
        )
        return made


class YOLOEVPTrainer(YOLOETrainerFromScratch):
    """Trains the encoder of visual prompts (SAVPE); everything else stays as it is. No text encoder is needed.

    Each image is asked about the classes that it shows, by examples drawn from its own labels, and about classes
    that other images of the batch show, by theirs.

    Examples:
        >>> trainer = YOLOEVPTrainer(overrides={"model": "yoloe-11s.pt", "data": "data.yaml"})
        >>> trainer.train()
    """

    prompts: Prompts = "visual"
    _pictures: list[dict[str, Any]] | None = None

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> nn.Module:
        """Build the network with the weights of a trained one.

        Raises:
            ModelError: There are none, or they take no prompts.
        """
        weights = load_checkpoint(weights) if isinstance(weights, str | Path) else weights
        if self.resumed is None and self.team.is_main:  # who hands weights to the others
            check_probable(weights)
        return super().get_model(cfg, weights, verbose)

    def trained_parts(self) -> tuple[str, ...]:
        """Only the encoder of visual prompts learns."""
        return (f"model.{self.model.head.i}.savpe.",)

    def set_model_attributes(self) -> None:
        """Give the model the classes of the data set, which it will know by what they look like."""
        super(YOLOETrainer, self).set_model_attributes()
        names = self.data["names"]
        blank = torch.zeros(1, len(names), self.model.head.embed)
        self.model.set_classes(list(names.values()), blank)

    @torch.no_grad()
    def class_embeddings(self, network: Any) -> Tensor:
        """Give what the labels of the measured data set's training pictures show, (1, nc, embed)."""
        if self._pictures is None:
            self._pictures = labelled_pictures(self.data, REFER_PICTURES)
        given = {"imgsz": self.args.imgsz, "device": str(self.device)}
        seen = embed_labels(prompted(network, given), self.data, self._pictures)
        return seen.to(network.pe_like())

    def forward(self, batch: dict[str, Any]) -> Any:
        """Run the network on a batch with examples from this image and from others."""
        model = self.model
        feats = model.features(batch["img"])
        visuals = fitted(batch["visuals"], feats[0].shape[2:])
        seen = model.head.get_vpe(feats, visuals)  # (B, M, embed)
        places, missing = shared_prompts(batch["texts"], visuals.shape[1], MOST_PHRASES)
        chosen = seen.flatten(0, 1)[places.to(seen.device)]
        return without_classes(model.head(feats, chosen), missing.to(seen.device))
