"""The object people hold: a model with train, val, predict and export.

Which trainer, validator and predictor belong to a task, the families in `engine.models` say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import nn

from engine.cfg.arguments import tell_without_effect
from engine.cfg.not_yet import NOT_YET_TASKS
from engine.cfg.schema import by_name
from engine.cfg.weights import full_name
from engine.core.callbacks import CallbackHost, new_callbacks
from engine.core.features import default_layers
from engine.core.given import named_data, resolve_arguments
from engine.core.results import Results
from engine.nn.autobackend import stated_metadata
from engine.nn.checkpoint import (
    SUFFIXES,
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
)
from engine.nn.summary import log_layers, summarise
from engine.nn.tasks import build_model
from engine.runtime.device import select_device
from engine.runtime.errors import ConfigError, ModelError
from engine.runtime.log import LOGGER, show_log_by_default
from engine.runtime.paths import lasting_path
from engine.training.resume import find_last

TaskMap = Mapping[str, Mapping[str, type]]

# The mode that each class of a task map does.
MODES_OF = {"trainer": "train", "validator": "val", "predictor": "predict"}
# How sure detections must be that are followed, where nobody says: weak ones carry on tracks.
TRACKED_CONF = 0.1
# What a model file remembers of its training and uses again where nothing else is said.
REMEMBERED = ("imgsz", "data", "single_cls", "crop_fraction")


class Model(CallbackHost):
    """A model by file name: a description (.yaml), weights (.pt) or an exported file.

    Attributes:
        model: The network; for an exported file its path.
        task: What it does: detect, segment.
        ckpt: The checkpoint it came from, None for a new network.
        ckpt_path: File of the weights, None for a new network.
        overrides: Arguments that hold for every call.
        trainer: Trainer of the last `train`.
        predictor: Predictor of the last `predict`.
        validator: Validator of the last `val`.
        metrics: Metrics of the last `train` or `val`.
    """

    task_map: ClassVar[TaskMap] = {}

    def __init__(
        self, model: str | Path = "yolo11n.yaml", task: str | None = None, verbose: bool = False
    ) -> None:
        show_log_by_default()
        self.callbacks = new_callbacks()
        self.model: Any = None
        self.task = ""
        self.overrides: dict[str, Any] = {}
        self.ckpt: Checkpoint | None = None
        self.ckpt_path: Path | None = None
        self.trainer: Any = None
        self.predictor: Any = None
        self.validator: Any = None
        self.metrics: Any = None
        self._trained = False
        model = full_name(model)
        suffix = Path(model).suffix.lower()
        if suffix in (".yaml", ".yml"):
            self._build(str(model), verbose)
        elif suffix in SUFFIXES:
            self._read(Path(model))
        else:
            self._refer_to(Path(model), task)
        if task is not None and task != self.task:
            raise ConfigError(
                f"{model} is a model for task {self.task!r}, received task={task!r}.", value=task
            )
        self._check_task()

    def __call__(self, source: Any = None, stream: bool = False, **kwargs: Any) -> Any:
        """Predict, see `predict`."""
        return self.predict(source, stream, **kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.overrides['model']!r}, task={self.task!r})"

    # The four modes

    def train(self, trainer: type | None = None, **kwargs: Any) -> Any:
        """Train and take over the best weights.

        Args:
            trainer: Trainer class of one's own instead of the task's.
            kwargs: Arguments of the training.

        Returns:
            The metrics of the best weights, with ``.box``, for masks ``.seg``, and ``.results_dict``.
        """
        self._needs_network("train")
        given = self._given(kwargs, "train")
        if given.get("resume"):
            begun = None if kwargs.get("model") else self.trainer
            self._read(find_last(given["resume"], given.get("model"), begun))
            # anew: what the model remembered before is of another training than the one that goes on
            given = {**self._given(kwargs, "train"), "resume": True, "model": str(self.ckpt_path)}
        make = trainer or self._of_task("trainer")
        self.trainer = make(overrides=given, _callbacks=self.callbacks)
        if not given.get("resume"):
            weights = self.model if self._trained and given.get("pretrained") is not False else None
            if isinstance(given.get("pretrained"), str | Path):
                weights = load_weights(given["pretrained"])
            self.trainer.model_source = (self.model.yaml, weights)
        self.trainer.train()
        self._take(self.trainer)
        return self.metrics

    def val(self, validator: type | None = None, **kwargs: Any) -> Any:
        """Validate; without ``data`` on what the model was trained with.

        Returns:
            The metrics, with ``.box``, for masks ``.seg``, and ``.results_dict``.
        """
        given = {"rect": True, **self._given(kwargs, "val")}
        check = (validator or self._of_task("validator"))(args=given, _callbacks=self.callbacks)
        check.weights = self.ckpt_path or self.overrides["model"]
        check(model=self.model)
        self.validator = check
        self.metrics = check.metrics
        return self.metrics

    def predict(
        self, source: Any = None, stream: bool = False, predictor: Any = None, **kwargs: Any
    ) -> list[Results] | Iterator[Results]:
        """Find objects in images.

        Args:
            source: Path, folder, pattern, video, address, camera's number, stream, "screen", array (BGR),
                tensor, PIL image, or a list of these; None looks at two drawn pictures.
            stream: Give a generator that works as it is asked, instead of a list: for videos and
                large folders.
            predictor: Predictor class of one's own instead of the task's.
            kwargs: Arguments of the prediction.

        Returns:
            A result for each picture; with ``embed=[LAYER, ...]`` a vector for each.
        """
        self._set_up_predictor(self._given(kwargs, "predict"), predictor)
        self.predictor.follower = None
        return self.predictor(source=source, stream=stream)

    def embed(self, source: Any = None, stream: bool = False, **kwargs: Any) -> Any:
        """Give vectors that are alike where pictures are alike: the mean answers of a layer.

        Args:
            source: As for `predict`.
            stream: Give a generator that works as it is asked, instead of a list.
            kwargs: Arguments of the prediction; ``embed`` names the layers, else it is the last before the
                head.

        Returns:
            A tensor (D,) for each picture.
        """
        self._needs_network("embed")
        layers = kwargs.pop("embed", None) or default_layers(self.model)
        return self.predict(source, stream, embed=layers, **kwargs)

    def track(
        self,
        source: Any = None,
        stream: bool = False,
        persist: bool = False,
        predictor: Any = None,
        **kwargs: Any,
    ) -> list[Results] | Iterator[Results]:
        """Find objects and follow them from frame to frame: results carry the tracks' numbers in ``boxes.id``.

        Args:
            source: As for `predict`; each video begins anew, pictures count as the frames of one.
            stream: Give a generator that works as it is asked, instead of a list.
            persist: Go on with the tracks of the last call: for frames that are given one at a time.
            predictor: Predictor class of one's own instead of the task's.
            kwargs: Arguments of the prediction, and ``tracker``: the YAML file that says how.

        Raises:
            ConfigError: The task has no objects, or the tracker's file cannot be used.
        """
        from engine.trackers.follower import Follower
        from engine.trackers.options import read_options

        given = {"conf": TRACKED_CONF, **self._given(kwargs, "track"), "mode": "track"}
        before = self.predictor.follower if self.predictor is not None else None
        follower = Follower(read_options(given.get("tracker")), self.task)
        self._set_up_predictor(given, predictor)
        goes_on = persist and before is not None and before.options == follower.options
        self.predictor.follower = before if goes_on else follower
        return self.predictor(source=source, stream=stream)

    def tune(
        self,
        use_ray: bool = False,
        iterations: int = 10,
        trainer: type | None = None,
        space: Mapping[str, Any] | None = None,
        resume: bool | str | Path = False,
        **kwargs: Any,
    ) -> Any:
        """Search the training arguments that reach the best fitness; the network itself stays as it is.

        Args:
            use_ray: Search with Ray Tune, which runs several trainings at once, instead of one after the other.
            iterations: Trainings in all.
            trainer: Trainer class of one's own instead of the task's.
            space: Argument name to ``(low, high)``; None searches rates, gains of the loss and augmentations.
            resume: Go on with the last search of the same ``project`` and ``name``, or with the folder named.
            kwargs: Arguments of each training; those to be searched say where the search begins.

        Returns:
            The best values by name; from Ray its table of results.

        Raises:
            ConfigError: An argument or the space is wrong, or Ray is asked for and not installed.
        """
        from engine.core.tuner import Tuner  # with its charts, seldom asked for

        self._needs_network("tune")
        make = trainer or self._of_task("trainer")
        source = (self.model.yaml, self.model if self._trained else None)

        def make_trainer(given: dict[str, Any]) -> Any:
            made = make(overrides=given, _callbacks=self.callbacks)
            made.model_source = source
            return made

        given = self._given(kwargs, "train")
        if trainer is None:  # before any folder is made
            named_data(resolve_arguments(given, "train", self.task), "training")
        return Tuner(given, self.task, make_trainer, space, resume, use_ray)(iterations)

    def export(self, **kwargs: Any) -> str:
        """Write the model in another format and give the path."""
        from engine.core.exporter import Exporter  # with its formats, seldom asked for

        self._needs_network("export")
        given = self._given(kwargs, "export")
        if (
            "data" not in kwargs
        ):  # remembered, not asked for: formats that calibrate look for it themselves
            given.pop("data", None)
        return str(Exporter(overrides=given, _callbacks=self.callbacks)(model=self.model))

    def benchmark(self, **kwargs: Any) -> Any:
        """Export, validate and time the model in every format that can be written here.

        Args:
            kwargs: Of :data:`engine.core.benchmark.ARGUMENTS`; ``format`` names one, or several in a list.

        Returns:
            A :class:`engine.core.benchmark.BenchmarkTable`.
        """
        from engine.core.benchmark import run_benchmark

        self._needs_network("benchmark")
        table = run_benchmark(self, kwargs)
        LOGGER.info("%s", table)
        return table

    def _set_up_predictor(self, given: Mapping[str, Any], predictor: Any) -> None:
        """Make a predictor, or give the last one other arguments where its network can stay.

        One that a stream still asks for results goes on with its own.
        """
        make = predictor or self._of_task("predictor")
        if (
            self.predictor is None
            or type(self.predictor) is not make
            or not self.predictor.fits(given)
        ):
            self.predictor = make(overrides=given, _callbacks=self.callbacks)
            self.predictor.setup_model(self.model)
        else:
            if self.predictor.is_taken:
                self.predictor = self.predictor.sibling()
            self.predictor.set_arguments(given)
            self.predictor.callbacks = new_callbacks(self.callbacks)

    # The network

    @property
    def names(self) -> dict[int, str]:
        """Class number to name."""
        is_file = isinstance(self.model, str)
        return stated_metadata(self.model).names if is_file else self.model.names

    @property
    def device(self) -> torch.device | None:
        """Where the network is; None for an exported file."""
        if not isinstance(self.model, nn.Module):
            return None
        return next(self.model.parameters()).device

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move or convert the network as by ``torch.nn.Module.to``."""
        self._needs_network("to")
        self.model.to(*args, **kwargs)
        self.predictor = None
        return self

    def cpu(self) -> Self:
        """Move the network to the CPU."""
        return self.to("cpu")

    def cuda(self, device: int | str | torch.device = 0) -> Self:
        """Move the network to a GPU."""
        return self.to(select_device(str(device)))

    def half(self) -> Self:
        """Convert the network to float16."""
        return self.to(torch.float16)

    def float(self) -> Self:
        """Convert the network to float32."""
        return self.to(torch.float32)

    def info(self, detailed: bool = False, verbose: bool = True, imgsz: int = 640) -> Any:
        """Give the numbers of layers, parameters, gradients and GFLOPs.

        Args:
            detailed: Log every layer too.
            verbose: Log the numbers; False only gives them.
            imgsz: Side of the image that the operations are counted for.
        """
        self._needs_network("info")
        if detailed:
            log_layers(self.model)
        return self.model.info(imgsz=imgsz) if verbose else summarise(self.model, imgsz)

    def fuse(self) -> Self:
        """Fold the batch norms into the convolutions: faster, but no longer trainable."""
        self._needs_network("fuse")
        self.model.eval().fuse()
        self.predictor = None
        return self

    def load(self, weights: str | Path | nn.Module | Checkpoint = "yolo11n.pt") -> Self:
        """Take over all weights that fit from a file or another model."""
        self._needs_network("load")
        if isinstance(weights, str | Path):
            self.overrides["pretrained"] = str(weights)
            self.model.load(load_weights(weights))
        else:
            self.model.load(weights)
        self._trained, self.predictor = True, None
        return self

    def save(self, filename: str | Path = "saved_model.pt") -> Path:
        """Write the network with its class names to a .pt or .safetensors file and give its path."""
        self._needs_network("save")
        if Path(filename).suffix.lower() not in SUFFIXES:
            raise ConfigError(
                f"model files end in {', '.join(SUFFIXES)}; received {str(filename)!r}.",
                value=str(filename),
                remedy="Other formats are written by export(format=...).",
            )
        remembered = self.ckpt.train_args if self.ckpt else {}
        return save_checkpoint(filename, self.model, train_args={**remembered, **self.overrides})

    def reset_weights(self) -> Self:
        """Start again from random weights."""
        self._needs_network("reset_weights")
        fresh = type(self.model)(self.model.yaml, verbose=False)
        fresh.names, fresh.args = self.model.names, self.model.args
        self.model, self._trained, self.predictor = fresh.to(self.device), False, None
        return self

    def reset_callbacks(self) -> None:
        """Forget every added callback."""
        self.callbacks = new_callbacks()

    # Getting there

    def _build(self, name: str, verbose: bool) -> None:
        """Make a new network from a description."""
        self.model = build_model(name, verbose=verbose)
        self.task = self.model.task
        self.overrides = {"model": name}

    def _read(self, path: Path) -> None:
        """Read a file of weights."""
        self.ckpt = load_checkpoint(path)
        self.ckpt_path = self.ckpt.path
        self.model, self.task, self._trained = self.ckpt.model, self.ckpt.task, True
        self.overrides = {"model": str(self.ckpt_path)} | self._remember(self.ckpt.train_args)

    def _refer_to(self, path: Path, task: str | None) -> None:
        """Keep the path of an exported file; it is opened when it is used."""
        self.model = str(path)
        self.overrides = {"model": str(path)}
        self.task = task or stated_metadata(path).task

    def _take(self, trainer: Any) -> None:
        """Take over what a training has made."""
        self.metrics = trainer.validator.metrics
        network = trainer.trained_model()
        if network is None:
            return
        self.model, self._trained, self.predictor = network.cpu(), True, None
        self.ckpt_path = trainer.best if trainer.best.exists() else trainer.last
        self.overrides |= {"model": str(self.ckpt_path)} | self._remember(vars(trainer.args))

    @staticmethod
    def _remember(args: Mapping[str, Any]) -> dict[str, Any]:
        """Give what of a training's arguments holds for later calls."""
        kept = {k: args[k] for k in REMEMBERED if args.get(k) is not None}
        if "data" in kept:
            kept["data"] = lasting_path(kept["data"])
        return kept

    def _given(self, kwargs: Mapping[str, Any], mode: str) -> dict[str, Any]:
        """Lay the arguments of a call over those that the model remembers.

        Remembered ones that the mode has no use for stay behind; given ones are all checked.
        """
        kept = {
            k: v for k, v in self.overrides.items() if k in by_name and mode in by_name[k].modes
        }
        given = {**kept, **kwargs}
        if mode != "train":  # a training says it itself, in its own diary too
            tell_without_effect(kwargs, mode, self.task)
        return given

    def _of_task(self, kind: str) -> Any:
        """Give the trainer, validator or predictor class of the task."""
        found = self.task_map[self.task].get(kind)
        if found is None:
            mode = MODES_OF[kind]
            reason = NOT_YET_TASKS.get(mode, {}).get(self.task, "there is no such class")
            raise ModelError(f"{self.task} {mode} is not available: {reason}.", value=self.task)
        return found

    def _check_task(self) -> None:
        if self.task not in self.task_map:
            raise ModelError(
                f"{type(self).__name__} has no task {self.task!r}.",
                value=self.task,
                remedy=f"It knows {', '.join(self.task_map)}.",
            )

    def _needs_network(self, action: str) -> None:
        if not isinstance(self.model, nn.Module):
            raise ModelError(
                f"{action} needs the network, but {self.model} is an exported file.",
                path=self.model,
                remedy="Load the .pt file that it was exported from.",
            )
