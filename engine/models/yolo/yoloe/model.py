"""YOLOE: models whose classes are given as words, as examples in a picture, or as a long vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from engine._lazy import LazyClasses
from engine.cfg.schema import by_name
from engine.cfg.values import coerce
from engine.core.results import Results
from engine.data.mixed import keep_description
from engine.models.yolo.model import YOLO
from engine.models.yolo.yoloe.labelled import PROMPTED, network_for_data
from engine.models.yolo.yoloe.predict import YOLOEVPDetectPredictor
from engine.models.yolo.yoloe.prompts import parse_prompts
from engine.models.yolo.yoloe.words import Encoder, encoder_for
from engine.nn.checkpoint import load_checkpoint
from engine.nn.open_vocabulary import YOLOEModel, check_names
from engine.nn.text.encoder import TextEncoder
from engine.runtime.errors import ConfigError, ModelError
from engine.runtime.log import LOGGER
from engine.training.resume import find_last

# Words overlap in meaning, so one thing answers to several: only its surest name stays, unless asked for.
ONE_NAME_EACH = {"agnostic_nms": True}


# task -> what ``linear_probe=True`` trains with
PROBES = LazyClasses(
    detect="engine.models.yolo.yoloe.train:YOLOEPETrainer",
    segment="engine.models.yolo.yoloe.train_seg:YOLOEPESegTrainer",
)


class YOLOE(YOLO):
    """An open-vocabulary model for detection or instance segmentation.

    Wang et al., YOLOE: Real-Time Seeing Anything, 2025.

    Attributes:
        text_encoder: What turns words into embeddings: an encoder, a name or path for
            `engine.nn.text.registry.open_encoder`, or None for the one that the model was trained with.

    Examples:
        >>> model = YOLOE("yoloe-11s-seg.pt")
        >>> model.set_classes(["person", "red bus"])
        >>> results = model("street.jpg")
        >>> results = model.predict("shelf.jpg", visual_prompts=dict(bboxes=[[20, 30, 90, 200]], cls=[0]))
    """

    text_encoder: Encoder = None
    task_map = {
        "detect": LazyClasses(
            trainer="engine.models.yolo.yoloe.train:YOLOETrainer",
            validator="engine.models.yolo.yoloe.val:YOLOEDetectValidator",
            predictor="engine.models.yolo.detect.predict:DetectionPredictor",
        ),
        "segment": LazyClasses(
            trainer="engine.models.yolo.yoloe.train_seg:YOLOESegTrainer",
            validator="engine.models.yolo.yoloe.val:YOLOESegValidator",
            predictor="engine.models.yolo.segment.predict:SegmentationPredictor",
        ),
    }

    def __init__(
        self,
        model: str | Path = "yoloe-11s-seg.pt",
        task: str | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(model, task, verbose)
        if isinstance(self.model, nn.Module) and not isinstance(self.model, YOLOEModel):
            raise ModelError(
                f"expected a YOLOE model, received a {type(self.model).__name__}.",
                path=model,
                remedy="Use YOLO for it.",
            )

    # Words

    def get_text_pe(self, texts: Sequence[str]) -> Tensor:
        """Return embeddings of words for `set_classes`, (1, N, 512), each of length one.

        Raises:
            MissingCheckpointError: The text encoder's file is not there.
            ModelError: The encoder does not fit, or the model has its classes in its weights.
        """
        return self._network("get_text_pe").get_text_pe(texts, self._encoder())

    def set_classes(self, classes: Sequence[str], embeddings: Tensor | None = None) -> None:
        """Look for these classes from now on; `save` and `export` keep them.

        Args:
            classes: Their names: words, or any names for given embeddings.
            embeddings: From `get_text_pe` or `get_visual_pe`, (1, N, 512); None encodes the names.

        Raises:
            MissingCheckpointError: The text encoder's file is not there.
            ModelError: Names and embeddings do not fit, or the model has its classes in its weights.
        """
        network = self._network("set_classes")
        classes = check_names(classes)
        embeddings = self.get_text_pe(classes) if embeddings is None else embeddings
        network.set_classes(classes, embeddings)
        self._trained, self.predictor = True, None

    # Examples

    def get_visual_pe(self, img: Tensor, visual: Tensor) -> Tensor:
        """Return embeddings of things in images for `set_classes`, (B, N, 512), each of length one.

        Args:
            img: Images (B, C, H, W), RGB 0..1.
            visual: (B, N, H / 8, W / 8), 1 on the thing that prompt n points at and 0 elsewhere.

        Raises:
            ModelError: The masks do not fit the images, or the model has no encoder of visual prompts.
        """
        return self._network("get_visual_pe").get_visual_pe(img, visual)

    def predict(  # type: ignore[override]  # the arguments stand as in the peer
        self,
        source: Any = None,
        stream: bool = False,
        visual_prompts: Any = None,
        refer_image: Any = None,
        predictor: Any = None,
        **kwargs: Any,
    ) -> list[Results] | Iterator[Results]:
        """Find objects: of the classes set before, or of those that examples show.

        Args:
            source: Path, folder, pattern, video, array (BGR), tensor, PIL image, or a list of these.
            stream: Give a generator that works as it is asked, instead of a list.
            visual_prompts: ``dict(bboxes=(N, 4), cls=(N,))`` in pixels of every picture, or lists of both
                with an entry a picture; ``masks=(N, H, W)`` instead of ``bboxes=``. Results call the
                classes object0, object1, ...
            refer_image: The picture or pictures that the prompts are about, instead of those of the
                source. The model keeps the classes learnt from them, as by `set_classes`.
            predictor: Predictor class of one's own; for examples in the source a child of
                `YOLOEVPDetectPredictor`.
            kwargs: Arguments of the prediction; ``agnostic_nms`` is on unless it is given.

        Raises:
            ConfigError: The prompts cannot be used.
            ModelError: The model takes none.
        """
        kwargs = {**ONE_NAME_EACH, **kwargs}
        prompted = isinstance(predictor, type) and issubclass(predictor, YOLOEVPDetectPredictor)
        if visual_prompts is None:
            if refer_image is not None or prompted:
                raise ConfigError("a prediction by examples needs visual_prompts=.")
            self._tell_without_classes()
            return super().predict(source, stream, predictor, **kwargs)
        self._network("visual_prompts")
        make: Any = predictor if prompted else PROMPTED[self.task]
        if refer_image is None:
            if predictor is not None and not prompted:
                raise ConfigError(
                    f"{predictor} cannot take visual prompts.",
                    remedy="Make it a child of YOLOEVPDetectPredictor or YOLOEVPSegPredictor.",
                )
            # not kept: other prompts are another prediction
            given = partial(make, prompts=parse_prompts(visual_prompts))
            return super().predict(source, stream, given, **kwargs)
        self._learn(make, visual_prompts, refer_image, kwargs)
        return super().predict(source, stream, None if prompted else predictor, **kwargs)

    def train(self, trainer: Any = None, **kwargs: Any) -> Any:
        """Train and take over the best weights.

        Args:
            trainer: What to train instead of the whole model on words: ``YOLOEPESegTrainer`` (linear
                probing), ``YOLOESegTrainerFromScratch`` (several data sets), ``YOLOESegVPTrainer`` (visual
                prompts), or for boxes their twins in `engine.models.yolo.yoloe`.
            kwargs: Arguments of the training; ``linear_probe=True`` does without ``trainer`` what
                ``YOLOEPESegTrainer`` does. With several data sets ``data`` may be the content of their
                description (see `engine.data.mixed`) instead of its file.

        Returns:
            The metrics of the best weights.

        Raises:
            MissingCheckpointError: The text encoder's file is not there.
            ModelError: The weights cannot be trained that way.
        """
        given = self._given(kwargs, "train")
        begun = None if kwargs.get("model") else self.trainer
        kind = trainer or (
            PROBES[self.task] if _is_probe(given, begun) else self._of_task("trainer")
        )

        def make(**given: Any) -> Any:
            made = kind(**given)
            if getattr(made, "text_encoder", self.text_encoder) is None:
                made.text_encoder = self.text_encoder
            return made

        if isinstance(self.text_encoder, str | Path) and isinstance(self.model, YOLOEModel):
            self.model.yaml["text_model"] = str(
                self.text_encoder
            )  # processes on other devices read it
        if isinstance(kwargs.get("data"), Mapping):
            kwargs["data"] = str(keep_description(kwargs["data"]))
        return super().train(make, **kwargs)  # type: ignore[arg-type]  # what makes a trainer will do

    def val(
        self,
        validator: type | None = None,
        load_vp: bool = False,
        refer_data: str | Path | None = None,
        **kwargs: Any,
    ) -> Any:
        """Validate on the classes of a data set; the model keeps its own.

        Where the model's classes are not those of the data set, the data set's names are taken as words.

        Args:
            validator: Validator class of one's own instead of the task's.
            load_vp: Take what the labels of a data set's training pictures show instead of words.
            refer_data: data.yaml of that data set, with the same classes; None takes the measured one.
            kwargs: Arguments of the validation.

        Raises:
            ConfigError: The data sets do not fit each other.
            MissingCheckpointError: The text encoder's file is not there.
            ModelError: The model's classes are in its weights and are others.
        """
        own = self.model
        given = self._given(kwargs, "val")
        if refer_data is not None and not load_vp:
            raise ConfigError("refer_data= has an effect only with load_vp=True.", value=refer_data)
        if load_vp:
            self._network("load_vp")
        if given.get("data") and isinstance(own, YOLOEModel):
            self.model = network_for_data(self.model, given, self.text_encoder, load_vp, refer_data)
        try:
            return super().val(validator, **kwargs)
        finally:
            self.model = own

    # No prompts

    def get_vocab(self, names: Sequence[str], one2one: bool = False) -> nn.ModuleList:
        """Return a vocabulary for `set_vocab` of a prompt-free model; this model stays as it is.

        Args:
            names: The words.
            one2one: For the side of an end-to-end model that ``nms=False`` asks.

        Raises:
            MissingCheckpointError: The text encoder's file is not there.
            ModelError: The model has its classes in its weights, or no such side.
        """
        return self._network("get_vocab").get_vocab(names, self.get_text_pe(names), one2one)

    def set_vocab(
        self,
        vocab: nn.ModuleList,
        names: Sequence[str],
        one2one_vocab: nn.ModuleList | None = None,
    ) -> None:
        """Become prompt-free: find anything and name it by a vocabulary.

        Args:
            vocab: What `get_vocab` of a model with the same features returned.
            names: The names it was made of.
            one2one_vocab: The same for the one-to-one side of an end-to-end model.

        Raises:
            ModelError: The model is not fused with one class, or the vocabulary does not fit.
        """
        self._network("set_vocab").set_vocab(vocab, names, one2one_vocab)
        self._trained, self.predictor = True, None

    def _learn(self, make: Any, prompts: Any, picture: Any, kwargs: dict[str, Any]) -> None:
        """Take over the classes that reference pictures show."""
        predictor = make(overrides=self._given(kwargs, "predict"), prompts=prompts)
        predictor.setup_model(self.model)
        self.set_classes(predictor.prompts.names, predictor.get_vpe(picture))

    def _tell_without_classes(self) -> None:
        """Warn of a prediction that cannot find anything."""
        if _is_without_classes(self.model):
            LOGGER.warning(
                "This model has no classes yet and scores everything alike: call set_classes([...]) "
                "first, or predict with visual_prompts=."
            )

    def _network(self, action: str) -> Any:
        """Return the network.

        Raises:
            ModelError: There is only an exported file.
        """
        self._needs_network(action)
        return self.model

    def _encoder(self) -> TextEncoder:
        """Return the text encoder in use."""
        return encoder_for(self.model, self.text_encoder)


def _is_without_classes(network: Any) -> bool:
    """Say whether a network waits for its classes; an exported file and a fused network do not."""
    return isinstance(network, YOLOEModel) and network.pe is None and network.head.takes_embeddings


def _is_probe(given: Mapping[str, Any], begun: Any) -> bool:
    """Say whether arguments of a training ask for a linear probe, or for going on with one, such as ``begun``."""
    if given.get("resume"):
        last = find_last(given["resume"], given.get("model"), begun)
        saved = load_checkpoint(last).train_args
        return bool(saved.get("linear_probe"))
    wanted = given.get("linear_probe")
    return wanted is not None and bool(coerce(by_name["linear_probe"], wanted))
