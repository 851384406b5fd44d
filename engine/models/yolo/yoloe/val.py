"""Validation of YOLOE on the classes of a data set: by their names, or by what labels show of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.data.mixed import is_mixed, open_mixed_yaml
from engine.data.yaml_file import locate_data_yaml
from engine.models.yolo.detect.val import DetectionValidator, check_classes
from engine.models.yolo.segment.val import SegmentationValidator
from engine.models.yolo.yoloe.labelled import network_for_data
from engine.models.yolo.yoloe.words import Encoder
from engine.nn.checkpoint import SUFFIXES, load_checkpoint
from engine.nn.open_vocabulary import YOLOEModel
from engine.runtime.errors import ConfigError, ModelError


class YOLOEDetectValidator(DetectionValidator):
    """Measures boxes of an open-vocabulary model.

    Attributes:
        text_encoder: What turns the class names into embeddings; None for the one that the model was
            trained with.

    Examples:
        >>> validator = YOLOEDetectValidator(args={"data": "data.yaml"})
        >>> validator(model="yoloe-11s.pt", load_vp=True)["metrics/mAP50(B)"]
    """

    text_encoder: Encoder = None

    def __call__(
        self,
        trainer: Any = None,
        model: Any = None,
        refer_data: str | Path | None = None,
        load_vp: bool = False,
    ) -> dict[str, float]:
        """Validate; in a training on the classes that the trainer gives its averaged network.

        Args:
            trainer: Trainer whose averaged weights are measured.
            model: Network or path of a model file to measure on its own.
            refer_data: data.yaml of pictures whose labels show the classes, with ``load_vp``.
            load_vp: Take what labels show (visual prompts) instead of names as words.

        Raises:
            ConfigError: The data sets do not fit each other.
            MissingCheckpointError: The text encoder's file is not there.
            ModelError: The model takes no prompts, or its classes are inside and are others.
        """
        if refer_data is not None and not load_vp:
            raise ConfigError("refer_data= has an effect only with load_vp=True.", value=refer_data)
        if trainer is None:
            model = self._with_classes(model, refer_data, load_vp)
        return super().__call__(trainer, model)

    def get_dataset(self) -> dict[str, Any]:
        """Read data.yaml, or of a description of several data sets the one to measure on."""
        if not self.args.data or not is_mixed(locate_data_yaml(self.args.data)[1]):
            return super().get_dataset()
        data = open_mixed_yaml(self.args.data)
        check_classes(data, self.names)
        return data

    def _with_classes(self, model: Any, refer_data: str | Path | None, load_vp: bool) -> Any:
        """Open a model file and give it the classes of the data set."""
        source = model if model is not None else self.args.model
        if isinstance(source, str | Path) and Path(source).suffix.lower() in SUFFIXES:
            found = load_checkpoint(source)
            self.weights, source = found.path, found.model
        if not isinstance(source, YOLOEModel):
            if load_vp:
                raise ModelError("load_vp=True needs a YOLOE model whose classes are free.")
            return source
        free = source.head.takes_embeddings or load_vp
        if self.dataloader is not None or not self.args.data or not free:
            return source  # a training's loader: its trainer has given the classes
        given = vars(self.args)
        return network_for_data(source, given, self.text_encoder, load_vp, refer_data)


class YOLOESegValidator(YOLOEDetectValidator, SegmentationValidator):
    """Measures boxes and masks of an open-vocabulary model.

    Examples:
        >>> validator = YOLOESegValidator(args={"data": "data.yaml"})
        >>> validator(model="yoloe-11s-seg.pt")["metrics/mAP50(M)"]
    """
