"""Callbacks in the order recorded of the field's own runs: training of every task, resuming, the other modes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from engine import YOLO
from engine.core.callbacks import EVENTS
from engine.models.yolo.detect.train import DetectionTrainer

# Events that the field registers but, by the recording, never fires; ours do.
OURS = {"optimizer_step", "on_before_zero_grad", "on_params_update"}
# The recording's word for what our classes call by their task's short name
NAMES = {
    "SemSegTrainer": "SemanticSegmentationTrainer",
    "SemSegValidator": "SemanticSegmentationValidator",
}
# scenario: our task, and the model where it is not the tiny one of the task
TRAININGS = {
    "train_detect": ("detect", None),
    "train_segment": ("segment", None),
    "train_pose": ("pose", None),
    "train_obb": ("obb", None),
    "train_classify": ("classify", None),
    "train_semantic": ("semseg", None),
    "train_pose26": ("pose", "tiny_pose26.yaml"),
    "train_detect26": ("detect", "yolo26n.yaml"),
    "train_segment26": ("segment", "yolo26n-seg.yaml"),
    "train_obb26": ("obb", "yolo26n-obb.yaml"),
}  # fmt: skip


@pytest.fixture
def recorded(shared_dir):
    """Give the recorded calls of a scenario, as ``Class:event``."""
    scenarios = json.loads((shared_dir / "facts" / "callbacks.json").read_text())

    def give(scenario):
        order = scenarios[scenario]["order_rle"]
        return [name for name, count in order for _ in range(count)]

    return give


@pytest.fixture
def listen():
    """Give a table of callbacks and the list of calls that it fills."""
    calls = []

    def record(event):
        return lambda host: calls.append(
            f"{NAMES.get(type(host).__name__, type(host).__name__)}:{event}"
        )

    return {event: record(event) for event in EVENTS}, calls


def _theirs(calls):
    return [call for call in calls if call.split(":")[1] not in OURS]


def _batches(order):
    """Count the batches of the first validation, and of the first epoch, in a recorded order."""
    events = [name.split(":")[1] for name in order]
    first = list(itertools.takewhile(lambda e: e != "on_val_end", events))
    return first.count("on_train_batch_start"), first.count("on_val_batch_start")


@pytest.mark.parametrize("scenario", TRAININGS)
def test_training(scenario, recorded, listen, tiny_task, make_trainer):
    table, calls = listen
    task, model = TRAININGS[scenario]
    expected = recorded(scenario)
    train, val = _batches(expected)
    given = tiny_task(task, train=2 * train, val=2 * val)
    if model is not None:
        tiny = Path(given["model"]).with_name(model)
        given["model"] = str(tiny) if tiny.exists() else model
    make_trainer(YOLO.task_map[task]["trainer"], table, **given).train()
    assert _theirs(calls) == expected


def test_resumed_training(recorded, listen, tiny_task, make_trainer):
    stopped = make_trainer(**tiny_task("detect"), epochs=3)

    def power_cut(_):
        raise RuntimeError("power cut")

    stopped.add_callback("on_model_save", power_cut)
    with pytest.raises(RuntimeError, match="power cut"):
        stopped.train()
    table, calls = listen
    DetectionTrainer(overrides={"resume": str(stopped.last)}, _callbacks=table).train()
    assert _theirs(calls) == recorded("train_resumed")


def test_an_interrupted_training_says_goodbye(listen, tiny_task, make_trainer):
    table, calls = listen
    trainer = make_trainer(DetectionTrainer, table, **tiny_task("detect"))

    def interrupt(_):
        raise KeyboardInterrupt

    trainer.add_callback("on_train_batch_end", interrupt)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert _theirs(calls)[-3:] == [
        "DetectionTrainer:on_train_batch_end",
        "DetectionTrainer:on_train_end",
        "DetectionTrainer:teardown",
    ]


@pytest.fixture
def listened_model(listen, tiny_task):
    """A tiny segmentation model whose callbacks, added to the model itself, are recorded."""
    table, calls = listen
    model = YOLO(tiny_task("segment")["model"])
    for event, function in table.items():
        model.add_callback(event, function)
    return model, calls


def test_validation(recorded, listened_model, tiny_task, tmp_path):
    model, calls = listened_model
    expected = recorded("val_segment")
    data = tiny_task("segment", train=4, val=2 * _batches(expected)[1])["data"]
    model.val(data=data, batch=2, imgsz=64, device="cpu", plots=False, save_json=True, project=str(tmp_path))  # fmt: skip
    assert calls == expected


def test_prediction(recorded, listened_model, tiny_task, tmp_path):
    model, calls = listened_model
    images = Path(tiny_task("segment", train=4, val=4)["data"]).parent / "images" / "val"
    model.predict(images, imgsz=64, save=True, save_txt=True, project=str(tmp_path), device="cpu")
    assert calls == recorded("predict_segment")


@pytest.mark.parametrize(
    ("scenario", "kind"), [("export_segment", "torchscript"), ("export_onnx_segment", "onnx")]
)
def test_export(scenario, kind, recorded, listened_model, tmp_path, monkeypatch):
    model, calls = listened_model
    monkeypatch.chdir(tmp_path)
    model.export(format=kind, imgsz=64)
    assert calls == recorded(scenario)


def test_callbacks_of_the_model_are_those_of_its_training(listened_model, tiny_task, tmp_path):
    model, calls = listened_model
    data = tiny_task("segment")["data"]
    model.train(data=data, epochs=1, batch=2, imgsz=64, device="cpu", plots=False, verbose=False, project=str(tmp_path))  # fmt: skip
    assert calls[0] == "SegmentationTrainer:on_pretrain_routine_start"
    assert calls[-1] == "SegmentationTrainer:teardown"
    assert "SegmentationValidator:on_val_start" in calls
