"""The prediction loop that every task shares: read, prepare, run, post-process, hand out, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from engine.core.callbacks import CallbackHost, new_callbacks
from engine.core.given import Given, as_dict, choose_save_dir, resolve_arguments
from engine.core.input_size import LEAST_STRIDE, input_size
from engine.core.result_writer import ResultWriter
from engine.core.results import Results
from engine.data.loaders import load_source
from engine.data.transforms.letterbox import LetterBox
from engine.nn.autobackend import AutoBackend
from engine.ops.profile import Profile
from engine.runtime.device import select_device, tune_cpu_threads
from engine.runtime.errors import ConfigError
from engine.runtime.log import LOGGER
from engine.trackers.follower import Follower

STAGES = ("preprocess", "inference", "postprocess")
# Changing one of these needs the network to be set up again.
SETUP_ARGUMENTS = ("device", "half", "batch", "nms", "augment")


class BasePredictor(CallbackHost):
    """Runs a model over images.

    Extend it by overriding `preprocess`, `inference` or `postprocess`, or by adding callbacks.

    Attributes:
        args: All arguments of the prediction.
        model: The network behind one face, whatever file it came from.
        batch: The present batch as (paths, images BGR, None, infos).
        results: The present batch's results; callbacks may replace them.
        follower: What gives objects the numbers of their tracks; None while nothing is followed.
        save_dir: Folder that results are written to, None while nothing is written.
        speed: Milliseconds an image for ``preprocess``, ``inference`` and ``postprocess``.
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

    def set_arguments(self, given: Mapping[str, Any]) -> None:
        """Take the arguments of the next prediction; the network stays."""
        self.args = resolve_arguments(given, _mode(given), self.task)

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
            source: Path, folder, pattern, video, array (BGR), tensor, PIL image, or a list of these.
            model: Network, or path of a model file, where `setup_model` was not called.
            stream: Give a generator instead of a list.
        """
        results = self.stream_inference(source, model)
        return results if stream else list(results)

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
        stacked = np.stack(images)
        stacked = stacked[..., ::-1] if stacked.shape[-1] == 3 else stacked
        tensor = torch.from_numpy(np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))).to(
            self.device, non_blocking=True
        )
        return (tensor.half() if self.model.fp16 else tensor.float()) / 255

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
            tune_cpu_threads()
        self.model = AutoBackend(
            source, self.device, half=self.args.half, end2end=self.wanted_branch()
        )

    def wanted_branch(self) -> bool | None:
        """Say which branch of the head should answer, see `AutoBackend`; None where that is no question."""
        return None

    def setup_source(self, source: Any) -> None:
        """Open the source and settle the input size.

        Raises:
            ConfigError: No source was named.
        """
        source = self.args.source if source is None else source
        if source is None:
            raise ConfigError(
                "prediction needs source=, an image, a folder, a video or a list of images.",
                remedy="Write source=PATH.",
            )
        self.imgsz = input_size(self.model, self.args.imgsz)
        self.dataset = load_source(
            source, self.args.batch, self.args.vid_stride, self.model.metadata.channels
        )

    @torch.no_grad()
    def stream_inference(self, source: Any = None, model: Any = None) -> Iterator[Results]:
        """Predict batch by batch and hand out one result after the other."""
        if self.model is None or model is not None:
            self.setup_model(model)
        self.setup_source(source)
        self.save_dir = choose_save_dir(self.args, mkdir=True) if self._writes() else None
        writer = ResultWriter(self.args, self.save_dir)
        profiles = [Profile(device=self.device) for _ in STAGES]
        self.seen = 0
        if self.follower is not None:
            self.follower.watch(self.model.backend)
        self.run_callbacks("on_predict_start")
        try:
            for paths, images, infos in self.dataset:
                self.batch = (paths, images, None, infos)
                self.run_callbacks("on_predict_batch_start")
                self._predict_batch(paths, images, profiles)
                self.run_callbacks("on_predict_postprocess_end")
                self._finish_batch(writer, infos)
                self.run_callbacks("on_predict_batch_end")
                yield from self.results
        finally:
            writer.close()
            if self.follower is not None:
                self.follower.close()
        self.speed = {
            k: 1e3 * p.t / max(self.seen, 1) for k, p in zip(STAGES, profiles, strict=True)
        }
        self._say_goodbye()
        self.run_callbacks("on_predict_end")

    def _predict_batch(
        self, paths: Sequence[str], images: Sequence[np.ndarray], profiles: Sequence[Profile]
    ) -> None:
        """Fill `results` for one batch."""
        before, run, after = profiles
        with before:
            tensor = self.preprocess(images)
        with run:
            outputs = self.inference(tensor)
        with after:
            self.results = self.postprocess(outputs, tensor, images)
        times = {k: 1e3 * p.dt / len(images) for k, p in zip(STAGES, profiles, strict=True)}
        for result, path in zip(self.results, paths, strict=True):
            result.path, result.speed = str(path), dict(times)
            result.save_dir = self.save_dir
        if self.follower is not None:
            size = (int(tensor.shape[2]), int(tensor.shape[3]))
            self.results = self.follower(self.results, self.batch[3], size)

    def _finish_batch(self, writer: ResultWriter, infos: Sequence[Any]) -> None:
        """Write and log what was found."""
        for result, info in zip(self.results, infos, strict=True):
            self.seen += 1
            writer.write(result, info)
            if self.args.verbose:
                size = "x".join(map(str, result.orig_shape))
                milliseconds = result.speed["inference"]
                LOGGER.info("%s: %s %s%.1f ms", result.path, size, result.verbose(), milliseconds)

    def _writes(self) -> bool:
        return self.args.save or self.args.save_txt or self.args.save_crop

    def _say_goodbye(self) -> None:
        if self.save_dir is not None:
            LOGGER.info("Results are in %s.", self.save_dir)


def _mode(given: Mapping[str, Any]) -> str:
    """Return whether these are arguments of a prediction or of following objects through one."""
    return "track" if given.get("mode") == "track" else "predict"
