"""The models with an open vocabulary: classes are given as words, as things in an image, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

from engine.nn.fuse import fuse
from engine.nn.modules.yoloe import MOST_CLASSES, classes_of
from engine.nn.task_models import DetectionModel, SegmentationModel
from engine.nn.text.encoder import TextEncoder
from engine.nn.text.registry import DEFAULT, open_encoder
from engine.runtime.errors import ModelError


class YOLOEModel(DetectionModel):
    """Boxes and classes, with classes by embeddings (YOLOE, Wang et al. 2025).

    Attributes:
        pe: (1, N, embed) embeddings of the classes in use; None until :meth:`set_classes`.
    """

    default_cfg = "yoloe-11n.yaml"
    attributes = ("pe",)
    pe: Tensor | None

    @property
    def nc(self) -> int:
        """Number of classes in use."""
        return self.head.nc

    @property
    def text_model(self) -> str:
        """Name of the text encoder that it was trained with."""
        return str(self.yaml.get("text_model") or DEFAULT)

    def forward(
        self,
        x: Tensor | Mapping[str, Any],
        tpe: Tensor | None = None,
        vpe: Tensor | None = None,
    ) -> Any:
        """Run the model, or with a batch dictionary the model and its loss.

        Args:
            x: Images (B, C, H, W) with values 0..1, H and W multiples of the largest stride.
            tpe: (B or 1, N, embed) classes as a text encoder gives them; the head adapts them.
            vpe: (B or 1, M, H / 8, W / 8) masks of things in these images, as further classes.

        Returns:
            ``(final, raw)``, in training raw alone. Classes are those given here, else those of
            :meth:`set_classes`; without any all scores are alike.

        Raises:
            ModelError: Classes are given to a model that has them in its weights.
        """
        if isinstance(x, Mapping):
            return self.loss(x)
        feats = self.features(x)
        if self.head.takes_embeddings:
            return self.head(feats, self._embeddings(feats, tpe, vpe))
        if tpe is not None or vpe is not None:
            raise self._fixed()
        return self.head(feats)

    # Prompts

    @torch.no_grad()
    def get_text_pe(self, names: Sequence[str], encoder: TextEncoder | None = None) -> Tensor:
        """Return embeddings of phrases for :meth:`set_classes`, (1, N, embed), each of length one.

        Args:
            names: The phrases.
            encoder: What encodes them; None for the one that the model was trained with.

        Raises:
            MissingCheckpointError: The encoder's file is not there.
            ModelError: The encoder does not fit the model, or the model has its classes in its weights.
        """
        return self.head.get_tpe(self.encode_phrases(names, encoder).to(self.pe_like()))

    @torch.no_grad()
    def encode_phrases(self, names: Sequence[str], encoder: TextEncoder | None = None) -> Tensor:
        """Return embeddings of phrases as the encoder gives them, (1, N, embed), for :meth:`forward`.

        Args:
            names: The phrases.
            encoder: What encodes them; None for the one that the model was trained with.

        Raises:
            MissingCheckpointError: The encoder's file is not there.
            ModelError: The encoder does not fit the model, or the model has its classes in its weights.
        """
        if not self.head.takes_embeddings:
            raise self._fixed()
        encoder = encoder or open_encoder(self.text_model)
        given = encoder.encode(list(names))
        if given.shape[-1] != self.head.embed:
            raise ModelError(
                f"expected text embeddings of length {self.head.embed}, received "
                f"{given.shape[-1]} from {encoder.name}.",
                value=given.shape[-1],
                remedy=f"Use {self.text_model}.",
            )
        return given[None]

    @torch.no_grad()
    def get_visual_pe(self, img: Tensor, visual: Tensor) -> Tensor:
        """Return embeddings of things in images for :meth:`set_classes`, (B, N, embed) of length one.

        Args:
            img: Images (B, C, H, W) with values 0..1.
            visual: (B, N, H / 8, W / 8), 1 on the thing that prompt n points at and 0 elsewhere.

        Raises:
            ModelError: The masks do not fit the images, or the model lacks the encoder.
        """
        return self.head.get_vpe(self.features(img.to(self.pe_like())), visual)

    def set_classes(self, names: Sequence[str], embeddings: Tensor) -> None:
        """Take these classes from now on.

        Args:
            names: One name a class.
            embeddings: (1, N, embed) or (N, embed), as :meth:`get_text_pe` and :meth:`get_visual_pe` give.

        Raises:
            ModelError: Names and embeddings do not fit each other or the model, or the model has its
                classes in its weights.
        """
        if not self.head.takes_embeddings:
            raise self._fixed()
        names = check_names(names)
        rows = embeddings.reshape(-1, embeddings.shape[-1])
        if rows.shape != (len(names), self.head.embed) or embeddings.ndim not in (2, 3):
            raise ModelError(
                f"expected embeddings (1, {len(names)}, {self.head.embed}) for {len(names)} names, "
                f"received {tuple(embeddings.shape)}.",
                value=tuple(embeddings.shape),
            )
        self.pe = rows[None].detach().to(self.pe_like()).clone()
        self.head.set_nc(len(names))
        self.names = dict(enumerate(names))

    def get_vocab(
        self,
        names: Sequence[str],
        embeddings: Tensor | None = None,
        one2one: bool = False,
    ) -> nn.ModuleList:
        """Return a vocabulary for :meth:`set_vocab` of a prompt-free model; this model stays as it is.

        Args:
            names: The phrases.
            embeddings: Theirs, as :meth:`get_text_pe` gives them; None encodes the phrases.
            one2one: For the one-to-one side of an end-to-end model.

        Raises:
            ModelError: The model has its classes in its weights.
        """
        if not self.head.takes_embeddings:
            raise self._fixed()
        given = self.get_text_pe(names) if embeddings is None else embeddings
        return self.head.vocabulary(given.to(self.pe_like()), one2one)

    def set_vocab(
        self,
        vocab: nn.ModuleList,
        names: Sequence[str],
        one2one_vocab: nn.ModuleList | None = None,
    ) -> None:
        """Become prompt-free: find anything and name it by a vocabulary.

        Args:
            vocab: What :meth:`get_vocab` of a model with the same features returned.
            names: The phrases it was made of.
            one2one_vocab: The same for the one-to-one side of an end-to-end model.

        Raises:
            ModelError: This model does not have exactly one class in its weights (see :meth:`fuse`), or
                the vocabulary does not fit.
        """
        names = check_names(names, distinct=False)
        given = [v for v in (vocab, one2one_vocab) if v is not None]
        for words in given:
            if classes_of(words) != len(names):
                raise ModelError(
                    f"expected a vocabulary of {len(names)} names, received {classes_of(words)}."
                )
        self.head.set_vocab(*(v.to(self.pe_like()) for v in given))
        self.names = dict(enumerate(names))

    # Forms

    def fuse_like(self, names: Iterable[str]) -> Self:
        """Fuse as weights of these names are: :meth:`take_form` has told what becomes of the classes."""
        pe, self.pe = self.pe, None
        super().fuse_like(names)
        self.pe = pe
        return self

    def fuse(self) -> Self:
        """Fold normalisations, and the classes of :meth:`set_classes`, into the convolutions, in place.

        The classes cannot be changed from then on.
        """
        if self.pe is not None and self.head.takes_embeddings and self.head.can_fold:
            self.head.fuse(self.pe)
        return fuse(self)

    def take_form(self, tensors: Mapping[str, Tensor]) -> None:
        """Change into the form that weights of these names and shapes were stored from."""
        prefix = f"model.{self.head.i}."
        own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        self.head.take_form(own)
        pe = tensors.get("pe")
        if pe is not None and pe.ndim == 3 and pe.shape[2] == self.head.embed:
            self.pe = pe.detach().to(self.pe_like()).clone()
            if self.head.takes_embeddings:
                self.head.set_nc(self.pe.shape[1])

    def _set_up_head(self) -> None:
        self.register_buffer("pe", None)
        super()._set_up_head()

    def _embeddings(self, feats: Any, tpe: Tensor | None, vpe: Tensor | None) -> Tensor:
        """Return the classes of a forward, (B or 1, N, embed)."""
        given = []
        if tpe is not None:
            given.append(self.head.get_tpe(tpe.to(feats[0])))
        if vpe is not None:
            given.append(self.head.get_vpe(feats, vpe))
        if not given:
            blank = feats[0].new_zeros(1, self.nc, self.head.embed)
            return blank if self.pe is None else self.pe.to(feats[0])
        batch = max(len(g) for g in given)
        return torch.cat([g.expand(batch, -1, -1) for g in given], 1)

    def pe_like(self) -> Tensor:
        """Return a tensor on the device and of the type of the weights."""
        return next(self.parameters())

    def _fixed(self) -> ModelError:
        return ModelError(
            "the classes of this model are fixed in its weights.",
            remedy="Take the checkpoint as it was before fusing, or one that is not prompt-free.",
        )


class YOLOESegModel(YOLOEModel, SegmentationModel):
    """Boxes, classes and instance masks, with classes by embeddings."""

    default_cfg = "yoloe-11n-seg.yaml"

    def init_criterion(self) -> Any:
        """Make the loss of boxes, masks and of as many classes as there are embeddings."""
        from engine.losses.open_vocabulary import OpenSegmentationLoss

        gains = self._gains()
        overlap = getattr(gains, "overlap_mask", True)
        arguments = (self.nc, self.head.reg_max, self.stride, gains, overlap)
        return self._of_each_side(partial(OpenSegmentationLoss, *arguments))


def check_names(names: Sequence[str], distinct: bool = True) -> list[str]:
    """Return class names as a list.

    Args:
        names: The names.
        distinct: Refuse a name that is there twice.

    Raises:
        ModelError: They are one text, none, too many, or one is there twice.
    """
    if isinstance(names, str) or not len(names):
        raise ModelError(
            f"expected a list of class names, received {names!r}.",
            value=names,
            remedy=f"Write [{names!r}]." if names else "Give at least one name.",
        )
    if len(names) > MOST_CLASSES:
        raise ModelError(
            f"expected at most {MOST_CLASSES:,} class names, received {len(names):,}.",
            value=len(names),
        )
    out = [str(name) for name in names]
    if distinct and len(set(out)) < len(out):
        twice = next(name for name, count in Counter(out).items() if count > 1)
        raise ModelError(
            f"expected each class name once, received {twice!r} more than once.",
            value=twice,
            remedy="Leave the second one out: it would name the same things.",
        )
    return out
