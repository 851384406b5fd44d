"""SAM: the object people hold. One picture and many clicks, or sources with prompts, or everything on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.given import choose_save_dir, resolve_arguments
from engine.core.result_writer import ResultWriter
from engine.core.results import Results
from engine.data.images import read_image
from engine.data.loaders import load_source
from engine.models.sam.embedding_cache import EmbeddingCache, embedding_key
from engine.models.sam.everything import Everything, Thing, find_everything
from engine.models.sam.prompts import Prompt, make_prompt, make_prompts
from engine.models.sam.registry import open_segmenter
from engine.models.sam.segmenter import Candidates, Embedding
from engine.ops.profile import Profile
from engine.runtime.errors import ConfigError, ImageError, ModelError
from engine.runtime.log import LOGGER, show_log_by_default

# Arguments of a prediction that mean something here
TAKEN = [
    "save",
    "save_txt",
    "save_conf",
    "save_crop",
    "project",
    "name",
    "exist_ok",
    "line_width",
    "show_labels",
    "show_conf",
    "show_boxes",
    "vid_stride",
    "verbose",
    "conf",
    "max_det",
]
# Where a file lies, its bytes, when it was written
_Stamp = tuple[str, int, int]


class SAM:
    """A promptable segmenter.

    Attributes:
        segmenter: The back end.
        cache: Embeddings of pictures seen before.
        task: ``segment``.

    Examples:
        >>> sam = SAM("mobile_sam.pt")
        >>> sam.set_image(rgb)
        >>> masks, scores, low_res = sam.predict(points=[[500, 375]], labels=[1])
        >>> results = SAM("sam_b.pt")("image.jpg", bboxes=[439, 437, 524, 709])
    """

    task = "segment"

    def __init__(
        self,
        model: str | Path | None = None,
        device: Any = None,
        cache: EmbeddingCache | None = None,
    ) -> None:
        """Open a back end.

        Args:
            model: Weights, see `engine.models.sam.registry.open_segmenter`; None takes the best on this computer.
            device: Where it runs; None for the first GPU, else the CPU.
            cache: Where embeddings are kept; None keeps them in memory and in the program's cache folder.

        Raises:
            CheckpointError: The weights are of another architecture, damaged or hostile.
            MissingCheckpointError: They are not here and cannot be fetched.
            ModelError: A package is missing.
        """
        show_log_by_default()
        self.segmenter = open_segmenter(model, device)
        self.cache = cache if cache is not None else EmbeddingCache()
        self._embedding: Embedding | None = None
        self._keys: dict[_Stamp, str] = {}

    def __repr__(self) -> str:
        return f"SAM({self.segmenter.about})"

    # One picture, many prompts

    def set_image(self, image: np.ndarray | str | Path) -> None:
        """Look at a picture: slow once, or quick where it was seen before.

        Args:
            image: (H, W, 3) uint8 RGB, or a file.

        Raises:
            ImageError: It cannot be read, or is no such array.
        """
        if isinstance(image, str | Path):
            self._embedding = self.embed_file(image)
        else:
            self._embedding = self.embed(image)
        prepare = getattr(self.segmenter, "prepare", None)
        if prepare is not None:
            prepare(self._embedding)

    def reset_image(self) -> None:
        """Forget the picture; the cache keeps what it has."""
        self._embedding = None

    def embed(self, image: np.ndarray) -> Embedding:
        """Return the embedding of a picture, (H, W, 3) uint8 RGB, from the cache or made now and kept there."""
        return self._embedded(_checked(image))[1]

    def embed_file(self, file: str | Path) -> Embedding:
        """Return the embedding of a picture's file; one that was seen before and did not change is not read.

        Raises:
            ImageError: It cannot be read.
        """
        stamp = _stamp(file)
        known = self._keys.get(stamp)
        found = None if known is None else self.cache.get(known)
        if found is None:
            pixels = np.ascontiguousarray(read_image(file)[..., ::-1])
            self._keys[stamp], found = self._embedded(pixels)
        return found

    def _embedded(self, pixels: np.ndarray) -> tuple[str, Embedding]:
        """Return the key and the embedding of a picture."""
        key = embedding_key(pixels, self.segmenter.identity)
        found = self.cache.get(key)
        if found is None:
            found = self.segmenter.embed(pixels)
            self.cache.put(key, found, on_disk=self.segmenter.shares)
        return key, found

    @property
    def size_hw(self) -> tuple[int, int]:
        """(height, width) of the picture that is looked at.

        Raises:
            ModelError: There is none.
        """
        return self._picture().size_hw

    def use_embedding(self, embedding: Embedding) -> None:
        """Go on with a picture that `embed` has looked at."""
        self._embedding = embedding

    def ask(self, prompt: Prompt, multimask: bool = True) -> Candidates:
        """Answer one prompt about the picture, without enlarging masks that nobody looks at.

        Raises:
            ModelError: No picture was set.
        """
        return self.segmenter.segment(self._picture(), [prompt], multimask)[0]

    def predict(
        self,
        source: Any = None,
        stream: bool = False,
        bboxes: Any = None,
        points: Any = None,
        labels: Any = None,
        *,
        box: Any = None,
        mask: Any = None,
        multimask_output: bool | None = None,
        return_logits: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Find what prompts mean: in the picture that was set, or in the pictures of a source.

        Args:
            source: Path, folder, pattern, video, array (BGR), PIL image or a list of these; None for the
                picture that was set.
            stream: Give a generator of the source's results instead of a list.
            bboxes: Boxes (N, 4) or (4,) of the source's objects.
            points: x, y pairs in pixels of the picture: all of one object for the picture that was set; for a
                source one a object, or N lists of them.
            labels: 1 or 0 a point: the object, or not the object; None takes all as the object.
            box: Box (4,) of one object, for the picture that was set.
            mask: Logits of a rough mask, ``low_res`` of a prediction before.
            multimask_output: Give three candidates for a prompt that may mean several things; None does so for
                the picture that was set only.
            return_logits: Give masks as logits instead of True and False.
            kwargs: For a source: arguments of a prediction, :data:`TAKEN`.

        Returns:
            For the picture that was set masks (C, H, W), scores (C,) and low_res (C, h, w) for the next
            prediction; else a result a picture. Without any prompt the results have everything that is found.

        Raises:
            ConfigError: Prompts do not fit one another or lie outside of the picture, or an argument is unknown.
            ModelError: There is neither a source nor a picture.
        """
        if source is not None:
            if box is not None or mask is not None or return_logits:
                raise ConfigError(
                    "box=, mask= and return_logits= are for the picture of set_image().",
                    remedy="For a source give bboxes=.",
                )
            given = {"bboxes": bboxes, "points": points, "labels": labels}
            results = self._results(source, given, bool(multimask_output), kwargs)
            return results if stream else list(results)
        if kwargs:
            raise ConfigError(f"{', '.join(kwargs)} need(s) a source=.", value=kwargs)
        picture = self._picture()
        frame = box if box is not None else bboxes
        prompt = make_prompt(picture.size_hw, points, labels, frame, mask)
        found = self.ask(prompt, multimask_output is None or multimask_output)
        enlarged = found.logits if return_logits else found.mask
        masks = np.stack([enlarged(i) for i in range(len(found))])
        return masks, found.scores, found.low_res

    def __call__(
        self, source: Any = None, stream: bool = False, bboxes: Any = None, points: Any = None,
        labels: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Predict, see `predict`."""
        return self.predict(source, stream, bboxes, points, labels, **kwargs)

    def everything(self, image: np.ndarray | None = None, **options: Any) -> list[Thing]:
        """Find all objects of a picture, best first.

        Args:
            image: (H, W, 3) uint8 RGB; None for the picture that was set.
            options: Of `engine.models.sam.everything.Everything`.

        Raises:
            ConfigError: An option cannot be used.
            ModelError: The back end has no network, or there is no picture.
        """
        if image is not None:
            self.set_image(image)
        return find_everything(self.segmenter, self._picture(), _options(options))

    # About the model

    def info(self, detailed: bool = False, verbose: bool = True) -> tuple[int, int]:
        """Log and return the numbers of layers and parameters; zeros where there is no network of ours.

        Args:
            detailed: Log a line a parameter too.
            verbose: Log at all.
        """
        network = getattr(self.segmenter, "network", None)
        if network is None:
            LOGGER.info("%s.", self.segmenter.about)
            return 0, 0
        rows = [(name, tuple(p.shape), p.numel()) for name, p in network.named_parameters()]
        layers, total = sum(1 for _ in network.modules()), sum(count for _, _, count in rows)
        if verbose:
            for name, shape, count in rows if detailed else ():
                LOGGER.info("%s %s %d", name, shape, count)
            LOGGER.info("%s: %d layers, %s parameters", self.segmenter.about, layers, f"{total:,}")
        return layers, total

    # Sources

    def _results(
        self, source: Any, given: Mapping[str, Any], multimask: bool, kwargs: Mapping[str, Any]
    ) -> Iterator[Results]:
        unknown = [name for name in kwargs if name not in TAKEN]
        if unknown:
            raise ConfigError(
                f"{', '.join(unknown)} mean(s) nothing to a promptable segmenter.",
                value=unknown,
                remedy=f"It takes {', '.join(TAKEN)}.",
            )
        args = resolve_arguments({"verbose": True, **kwargs}, "predict", self.task)
        least = None if kwargs.get("conf") is None else float(kwargs["conf"])
        most = int(kwargs.get("max_det") or 0) or None
        writes = args.save or args.save_txt or args.save_crop
        folder = choose_save_dir(args, mkdir=True) if writes else None
        writer = ResultWriter(args, folder)
        try:
            for paths, images, infos in load_source(source, 1, args.vid_stride, 3):
                result = self._one(images[0], paths[0], given, multimask, least, most)
                result.save_dir = folder
                writer.write(result, infos[0])
                if args.verbose:
                    height, width = result.orig_shape
                    LOGGER.info("%s: %dx%d, %d objects", paths[0], width, height, len(result))
                yield result
        finally:
            writer.close()

    def _one(
        self,
        image: np.ndarray,
        path: str,
        given: Mapping[str, Any],
        multimask: bool,
        least: float | None,
        most: int | None,
    ) -> Results:
        """Answer the prompts of one picture, BGR."""
        look, find = Profile(), Profile()
        with look:
            embedding = self.embed(np.ascontiguousarray(image[..., ::-1]))
        with find:
            if all(prompt is None for prompt in given.values()):
                options = Everything() if least is None else Everything(score=least)
                things = find_everything(self.segmenter, embedding, options)
                found = [(thing.mask(), thing.score) for thing in things]
            else:
                prompts = make_prompts(embedding.size_hw, **given)
                answers = self.segmenter.segment(embedding, prompts, multimask)
                found = [(a.mask(i), float(a.scores[i])) for a in answers for i in range(len(a))]
        kept = [(m, score) for m, score in found if least is None or score >= least][:most]
        speed = {"preprocess": 0.0, "inference": 1e3 * look.dt, "postprocess": 1e3 * find.dt}
        return make_result(image, path, kept, speed)

    def _picture(self) -> Embedding:
        if self._embedding is None:
            raise ModelError(
                "there is no picture to look at.", remedy="Call set_image() first, or give source=."
            )
        return self._embedding


def make_result(
    image: np.ndarray,
    path: str,
    found: list[tuple[np.ndarray, float]],
    speed: Mapping[str, float] | None = None,
) -> Results:
    """Return masks (H, W) bool with scores as a result, each object a class of its own."""
    masks = np.stack([mask for mask, _ in found]) if found else np.zeros((0, *image.shape[:2]), bool)  # fmt: skip
    rows = np.zeros((len(found), 6), np.float32)
    for number, (row, (mask, score)) in enumerate(zip(rows, found, strict=True)):
        ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(ys):
            row[:4] = xs[0], ys[0], xs[-1] + 1, ys[-1] + 1
        row[4:] = score, number
    names = {number: str(number) for number in range(len(found))}
    return Results(image, path, names, torch.from_numpy(rows), torch.from_numpy(masks), speed=speed)


def _options(options: Mapping[str, Any]) -> Everything:
    known = Everything.__dataclass_fields__
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ConfigError(
            f"there is no option {', '.join(unknown)}.",
            value=unknown,
            remedy=f"There are {', '.join(known)}.",
        )
    return Everything(**options)


def _stamp(file: str | Path) -> _Stamp:
    """Return what changes when a file does; sizes of -1 where there is none."""
    place = str(Path(file).absolute())
    try:
        status = Path(file).stat()
    except OSError:  # reading it will tell
        return place, -1, -1
    return place, status.st_size, status.st_mtime_ns


def _checked(image: Any) -> np.ndarray:
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8 and array.size:
        return np.ascontiguousarray(array)
    raise ImageError(
        f"expected a picture (H, W, 3) uint8 RGB, received {array.shape} {array.dtype}.",
        remedy="Make grey pictures three equal channels, and bring other depths to 8 bits.",
    )
