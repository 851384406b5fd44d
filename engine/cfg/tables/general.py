"""Arguments of every mode: which model, which data, which device, where the results go."""

from __future__ import annotations

from engine.cfg.argument import MODES, TASKS, Argument

_RUNS = ("train", "val", "predict")
_ALL = ("train", "val", "predict", "export")

GENERAL: tuple[Argument, ...] = (
    Argument(
        "task",
        "str",
        "detect",
        "What the model finds: boxes (detect), boxes with outlines (segment), and so on. "
        "A model file knows its own task, which wins.",
        "General",
        _ALL,
        choices=TASKS,
    ),
    Argument(
        "mode",
        "str",
        "train",
        "What to do with the model: train, validate, predict or export it.",
        "General",
        _ALL,
        choices=MODES,
    ),
    Argument(
        "model",
        "path",
        None,
        "A model description (.yaml) to start from random weights, or a trained model file to go on from.",
        "General",
        (*_ALL, "benchmark"),
        advanced=False,
    ),
    Argument(
        "data",
        "path",
        None,
        "The data.yaml that names the classes and the image folders. "
        "Without it, val and exports in 8 bits use the data the model was trained on.",
        "General",
        ("train", "val", "export", "benchmark"),
        advanced=False,
    ),
    Argument(
        "imgsz",
        "size",
        640,
        "Images are scaled to this many pixels on their longer side; classifiers see a square of this side. "
        "Larger finds smaller objects and is slower. Prediction and export also take height,width.",
        "General",
        (*_ALL, "benchmark"),
        low=32,
        high=8192,
        advanced=False,
        task_defaults={"classify": 224},
    ),
    Argument(
        "batch",
        "batch",
        16,
        "How many images go through the network at once. -1 chooses what fills 60 % of the GPU's memory, "
        "0.7 what fills 70 %.",
        "General",
        _ALL,
        low=-1,
        high=65536,
        advanced=False,
        mode_defaults={"predict": 1, "export": 1},
    ),
    Argument(
        "device",
        "device",
        None,
        "Where to compute: cpu, the number of a GPU, or mps. Empty takes the first GPU, else the processor. "
        "A training shares its batches among several, such as 0,1 or cpu,cpu; other modes take the first.",
        "General",
        (*_ALL, "benchmark"),
        advanced=False,
    ),
    Argument(
        "workers",
        "int",
        8,
        "Processes that read and augment images beside a training on a GPU, at most as many as there are "
        "processors; 0 reads in its own process, as trainings on a processor do.",
        "General",
        ("train", "val"),
        low=0,
        high=256,
    ),
    Argument(
        "project",
        "path",
        None,
        "Folder that receives the run's folder. Empty takes runs/TASK from the settings.",
        "General",
        _RUNS,
    ),
    Argument(
        "name",
        "str",
        None,
        "Name of the run's folder. Empty takes the mode's name; a number is added when it exists. "
        "An export to rknn takes it for the processor.",
        "General",
        (*_RUNS, "export"),
    ),
    Argument(
        "exist_ok",
        "bool",
        False,
        "Write into the run's folder even if it exists, replacing what an earlier run left there.",
        "General",
        _RUNS,
    ),
    Argument(
        "save",
        "bool",
        True,
        "Training: write checkpoints. Prediction: write the pictures with what was found drawn in.",
        "General",
        ("train", "predict"),
        mode_defaults={"predict": False},
    ),
    Argument(
        "plots",
        "bool",
        True,
        "Write curves, the confusion matrix and sample pictures into the run's folder.",
        "General",
        ("train", "val"),
    ),
    Argument(
        "verbose",
        "bool",
        True,
        "Log one line per epoch, class or image. Off keeps only warnings and the summary.",
        "General",
        ("train", "val", "predict"),
    ),
    Argument(
        "half",
        "bool",
        False,
        "Compute with 16-bit numbers: about twice as fast on GPUs, hardly less exact.",
        "General",
        ("val", "predict", "export", "benchmark"),
    ),
    Argument(
        "cfg",
        "path",
        None,
        "A YAML file of arguments, as written by `yolo copy-cfg`. What is given beside it wins.",
        "General",
        _ALL,
    ),
    Argument(
        "json",
        "bool",
        False,
        "Command line only: print the outcome as one JSON object on the last line.",
        "General",
        _ALL,
    ),
    Argument(
        "quiet",
        "bool",
        False,
        "Command line only: show nothing but warnings, errors and the outcome.",
        "General",
        _ALL,
    ),
)
