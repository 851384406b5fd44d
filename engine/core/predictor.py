"""The prediction loop that every task shares: read, prepare, run, post-process, hand out, write."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Self

import cv2
import numpy as np
import torch

from engine.core import features
from engine.core.callbacks import CallbackHost, new_callbacks
from engine.core.given import Given, as_dict, choose_save_dir, resolve_arguments
from engine.core.input_size import LEAST_STRIDE, input_size
from engine.core.result_writer import ResultWriter
from engine.core.results import Results
from engine.data.loaders import load_source
from engine.data.transforms.letterbox import LetterBox
from engine.nn.autobackend import AutoBackend
from engine.ops.profile import Profile
from engine.runtime.device import select_device, tune_cpu
from engine.runtime.errors import ConfigError
from engine.runtime.log import LOGGER
from engine.trackers.follower import Follower

STAGES = ("preprocess", "inference", "postprocess")
# Changing one of these needs the network to be set up again.
SETUP_ARGUMENTS = ("device", "half", "batch", "nms", "augment", "dnn")


class BasePredictor(CallbackHost):
    """Runs a model over images.

    Extend it by overriding `preprocess`, `inference` or `postprocess`, or by adding callbacks.

    Attributes:
        args: All arguments of the prediction.
        given: Names of those that somebody said.
        model: The network behind one face, whatever file it came from.
        batch: The present batch as (paths, images BGR, None, infos).
        results: The present batch's results; callbacks may replace them.
        follower: What gives objects the numbers of their tracks; None while nothing is followed.
        save_dir: Folder that results are written to, None while nothing is written.
        speed: Milliseconds an image for ``preprocess``, ``inference`` and ``postprocess``.
        is_taken: It is asked for results, and a stream may still want some.
    """

    task: ClassVar[str] = "detect"

    def __init__(
        self,
        cfg: Given = None,
        overrides: Mapping[str, Any] | None = None,
        _callbacks: Mapping[str, Any] | None = None,
    ) -> None:
        self.set_arguments({**as_dict(cfg), **(overrides or {})})
        self.callbacks = new_callbacks(_callbacks)
        self.model: Any = None
        self.batch: tuple[Any, ...] = ()
        self.results: Any = None
        self.follower: Follower | None = None
        self.save_dir: Path | None = None
        self.speed: dict[str, float] = {}
        self.seen = 0
        self.is_taken = False
        self._writer = ResultWriter(self.args, None)

    def sibling(self) -> Self:
        """Return another predictor with the same network: what this one is at stays as it is."""
        other = copy.copy(self)
        other.batch, other.results, other.follower = (), None, None
        other.is_taken = False
        return other

    def set_arguments(self, given: Mapping[str, Any]) -> None:
        """Take the arguments of the next prediction; the network stays."""
        self.args = resolve_arguments(given, _mode(given), self.task)
        self.given = frozenset(given)

    def fits(self, given: Mapping[str, Any]) -> bool:
        """Say whether the network can stay as it is for these arguments."""
        wanted = resolve_arguments(given, _mode(given), self.task)
        return all(getattr(wanted, k) == getattr(self.args, k) for k in SETUP_ARGUMENTS)

    # What a person calls

    def __call__(
        self, source: Any = None, model: Any = None, stream: bool = False
    ) -> list[Results] | Iterator[Results]:
        """Predict on a source.

        Args:
            source: What `engine.data.loaders.load_source` opens: path, folder, pattern, address, camera,
                array (BGR), tensor, PIL image, or a list of these. None takes two drawn pictures.
            model: Network, or path of a model file, where `setup_model` was not called.
            stream: Give a generator instead of a list.

        Returns:
            A result for each picture; with ``embed`` a vector for each.
        """
        self.is_taken = True
        results = self.stream_inference(source, model)
        return results if stream else self._listed(results)

    def predict_cli(self, source: Any = None, model: Any = None) -> None:
        """Predict without keeping the results: memory stays flat over long sources."""
        for _ in self.stream_inference(source, model):
            pass

    def log(self, values: Mapping[str, Any] | str) -> None:
        """Log a sentence or named values."""
        LOGGER.info("%s", values)

    # What a task says

    def preprocess(self, images: Sequence[np.ndarray]) -> torch.Tensor:
        """Turn images (H, W, C) uint8 of any sizes, BGR where C is 3, into one tensor (B, C, h, w) in 0..1."""
        same = len({image.shape for image in images}) == 1
        box = LetterBox(
            self.imgsz,
            auto=same and self.args.rect and self.model.dynamic,
            stride=max(self.model.stride, LEAST_STRIDE),
        )
        return self.to_tensor([box(image=image) for image in images])

    def to_tensor(self, images: Sequence[np.ndarray]) -> torch.Tensor:
        """Turn images (h, w, C) uint8 of one size into a tensor (B, C, h, w) in 0..1, BGR into RGB."""
        if images[0].shape[2] == 3:
            images = [cv2.cvtColor(image, cv2.COLOR_BGR2RGB) for image in images]
        # the channels stay innermost, as the CPU's and the GPU's convolutions like them
        tensor = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
        tensor = tensor.to(self.device, non_blocking=True)
        return (tensor.half() if self.model.fp16 else tensor.float()).div_(255)

    def inference(self, images: torch.Tensor) -> Any:
        """Run the network."""
        return self.model(images)

    def postprocess(
        self, outputs: Any, images: torch.Tensor, originals: Sequence[np.ndarray]
    ) -> list[Results]:
        """Turn the network's outputs into results in the originals' pixels."""
        raise NotImplementedError(f"{type(self).__name__} must say what postprocess() makes.")

    # The loop

    def setup_model(self, model: Any = None) -> None:
        """Open the network: a module, or the path of a model file.

        Raises:
            ConfigError: None was named.
        """
        source = model if model is not None else self.args.model
        if source is None:
            raise ConfigError("prediction needs model=.", remedy="Write model=PATH/best.pt.")
        self.device = select_device(self.args.device)
        if self.device.type == "cpu":
            tune_cpu()
        self.model = AutoBackend(
            source,
            self.device,
            half=self.args.half,
            end2end=self.wanted_branch(),
            dnn=self.args.dnn,
        )
        if self.args.half and not self.model.fp16:
            LOGGER.warning("half=True has no effect here: %s computes in float32.", self.device)

    def wanted_branch(self) -> bool | None:
        """Say which branch of the head should answer, see `AutoBackend`; None where that is no question."""
        return None

    def setup_source(self, source: Any) -> None:
        """Open the source and settle the input size; without a source it is drawn pictures."""
        source = self.args.source if source is None else source
        channels = self.model.metadata.channels
        if source is None:
            source = drawn_pictures(channels)
            LOGGER.warning("No source given: looking at %d drawn pictures.", len(source))
        self.imgsz = input_size(self.model, self.args.imgsz)
        self.dataset = load_source(
            source, self.args.batch, self.args.vid_stride, channels, self.args.stream_buffer
        )

    @torch.no_grad()
    def stream_inference(self, source: Any = None, model: Any = None) -> Iterator[Results]:
        """Predict batch by batch and hand out one result after the other."""
        if self.model is None or model is not None:
            self.setup_model(model)
        self.setup_source(source)
        self._tell_strange_classes()
        embed = self._embedded_layers()
        self.save_dir = choose_save_dir(self.args, mkdir=True) if self._writes() else None
        writer = self._writer = ResultWriter(self.args, self.save_dir)
        profiles = [Profile(device=self.device) for _ in STAGES]
        self.seen = 0
        if self.follower is not None:
            self.follower.watch(self.model.backend)
        self.run_callbacks("on_predict_start")
        try:
            with closing(iter(self.dataset)) as batches:  # type: ignore[type-var]  # generators
                for paths, images, infos in batches:
                    self.batch = (paths, images, None, infos)
                    self.run_callbacks("on_predict_batch_start")
                    if embed:
                        self._embed_batch(images, embed, profiles)
                    else:
                        self._predict_batch(paths, images, profiles)
                        self.run_callbacks("on_predict_postprocess_end")
                        self._finish_batch(infos)
                    self.run_callbacks("on_predict_batch_end")
                    yield from self.results
        finally:
            self.is_taken = False
            writer.close()
            if self.follower is not None:
                self.follower.close()
        self.speed = {
            k: 1e3 * p.t / max(self.seen, 1) for k, p in zip(STAGES, profiles, strict=True)
        }
        self._say_goodbye()
        self.run_callbacks("on_predict_end")

    def _listed(self, results: Iterator[Results]) -> list[Results]:
        """Return all results at once, and say so where there may be too many."""
        found: list[Results] = []
        for result in results:
            if not found and self.dataset.is_long:
                LOGGER.warning(
                    "The results of all frames are kept in memory. For long videos and streams take them "
                    "one at a time: for result in model.predict(..., stream=True)."
                )
            found.append(result)
        return found

    def _predict_batch(
        self, paths: Sequence[str], images: Sequence[np.ndarray], profiles: Sequence[Profile]
    ) -> None:
        """Fill `results` for one batch."""
        before, run, after = profiles
        with before:
            tensor = self._prepared(images)
        with run, self._watched() as answers:
            outputs = self.inference(tensor)
        if answers:
            folders = [Path(str(self.save_dir)) / self._writer.stem(str(path)) for path in paths]
            features.write_answers(self.model.backend.model, answers, folders)
        with after:
            self.results = self.postprocess(outputs, tensor, images)
        times = {k: 1e3 * p.dt / len(images) for k, p in zip(STAGES, profiles, strict=True)}
        for result, path in zip(self.results, paths, strict=True):
            result.path, result.speed = str(path), dict(times)
            result.save_dir = self.save_dir
        if self.follower is not None:
            size = (int(tensor.shape[2]), int(tensor.shape[3]))
            self.results = self.follower(self.results, self.batch[3], size)

    def _embed_batch(
        self, images: Sequence[np.ndarray], layers: Sequence[int], profiles: Sequence[Profile]
    ) -> None:
        """Fill `results` with a vector (D,) for each image."""
        before, run, _ = profiles
        with before:
            tensor = self._prepared(images)
        with run:
            network = features.network_of(self.model.backend, "embed")
            self.results = list(features.embeddings(network, tensor, layers))
        self.seen += len(images)

    def _embedded_layers(self) -> list[int]:
        """Return the layers whose answers are asked for instead of results, nothing where none are."""
        if self.args.embed is None:
            return []
        network = features.network_of(self.model.backend, "embed")
        return features.check_layers(network, self.args.embed)

    def _watched(self) -> Any:
        """Return the block that collects what the layers answer, if that is to be drawn."""
        if not self.args.visualize:
            return nullcontext({})
        return features.listening(features.network_of(self.model.backend, "visualize"))

    def _prepared(self, images: Sequence[np.ndarray]) -> torch.Tensor:
        """Return the images as the network's input; tensors that have a size it takes stay as they are."""
        sizes = {image.shape[:2] for image in images}
        kinds = {info.kind for info in self.batch[3]}
        if kinds == {"tensor"} and len(sizes) == 1 and self._takes(*sizes.pop()):
            return self.to_tensor(images)
        return self.preprocess(images)

    def _takes(self, height: int, width: int) -> bool:
        """Tell whether the network takes images of this size as they are."""
        if not self.model.dynamic:
            return (height, width) == tuple(self.imgsz)
        stride = max(self.model.stride, LEAST_STRIDE)
        return height % stride == 0 and width % stride == 0

    def _finish_batch(self, infos: Sequence[Any]) -> None:
        """Write and log what was found."""
        for result, info in zip(self.results, infos, strict=True):
            self.seen += 1
            self._writer.write(result, info)
            if self.args.verbose:
                size = "x".join(map(str, result.orig_shape))
                milliseconds = result.speed["inference"]
                name = f"{result.path}{_frame(info)}"
                LOGGER.info("%s: %s %s%.1f ms", name, size, result.verbose(), milliseconds)

    def _writes(self) -> bool:
        args = self.args
        if args.embed is not None:
            return False
        return any((args.save, args.save_txt, args.save_crop, args.save_frames, args.visualize))

    def _tell_strange_classes(self) -> None:
        """Log which of the classes that are asked for the model does not have."""
        names = self.model.names
        strange = [number for number in self.args.classes or () if names and number not in names]
        if strange:
            LOGGER.warning(
                "classes=%s: the model has no such classes; it has %d, numbered from 0.",
                ",".join(map(str, strange)),
                len(names),
            )

    def _say_goodbye(self) -> None:
        if self.save_dir is not None:
            LOGGER.info("Results are in %s.", self.save_dir)


def drawn_pictures(channels: int) -> list[np.ndarray]:
    """Return pictures to look at where nobody names any: two scenes of small parts, (H, W, channels) uint8."""
    from engine.data.synthetic.scene import draw_scene  # with what it draws by, seldom needed

    scenes = [draw_scene((0, i)).image for i in range(2)]
    if channels in (1, 3):
        return scenes
    return [
        np.resize(scene.transpose(2, 0, 1), (channels, *scene.shape[:2])).transpose(1, 2, 0)
        for scene in scenes
    ]


def _frame(info: Any) -> str:
    """Return which frame of its video or stream a picture is, with a blank before; nothing for other pictures."""
    if not info.frame:
        return ""
    return f" frame {info.frame} of {info.frames}" if info.frames else f" frame {info.frame}"


def _mode(given: Mapping[str, Any]) -> str:
    """Return whether these are arguments of a prediction or of following objects through one."""
    return "track" if given.get("mode") == "track" else "predict"
