from __future__ import annotations

import dataclasses

import pytest
import yaml

from engine.cfg.not_yet import NOT_YET, NOT_YET_CHOICES
from engine.cfg.reference import describe_accepted
from engine.cfg.schema import (
    ARGUMENTS,
    GROUPS,
    MODES,
    TASKS,
    arguments_for,
    by_name,
    did_you_mean,
    essentials,
)
from engine.cfg.values import coerce

# The specification's tables, name by name.
SPEC = {
    "train": "model data epochs time patience batch imgsz save save_period cache device workers project name "
    "exist_ok pretrained optimizer verbose seed deterministic single_cls rect cos_lr close_mosaic resume amp "
    "fraction profile freeze lr0 lrf momentum weight_decay warmup_epochs warmup_momentum warmup_bias_lr box cls "
    "dfl pose kobj label_smoothing nbs overlap_mask mask_ratio dropout val plots hsv_h hsv_s hsv_v degrees "
    "translate scale shear perspective flipud fliplr bgr mosaic mixup copy_paste copy_paste_mode auto_augment "
    "erasing crop_fraction",
    "val": "data imgsz batch save_json save_hybrid conf iou max_det half device dnn plots rect split",
    "predict": "source conf iou imgsz half device max_det vid_stride stream_buffer visualize augment "
    "agnostic_nms classes retina_masks embed show save save_frames save_txt save_conf save_crop show_labels "
    "show_conf show_boxes line_width project name exist_ok",
    "export": "format imgsz keras optimize half int8 dynamic simplify opset workspace nms batch",
}
SPEC_DEFAULTS = {
    "epochs": 100, "time": None, "patience": 100, "batch": 16, "imgsz": 640, "save": True, "save_period": -1,
    "cache": False, "device": None, "workers": 8, "exist_ok": False, "pretrained": True, "optimizer": "auto",
    "seed": 0, "deterministic": True, "single_cls": False, "rect": False, "cos_lr": False, "close_mosaic": 10,
    "resume": False, "amp": True, "fraction": 1.0, "profile": False, "freeze": None, "lr0": 0.01, "lrf": 0.01,
    "momentum": 0.937, "weight_decay": 0.0005, "warmup_epochs": 3.0, "warmup_momentum": 0.8,
    "warmup_bias_lr": 0.1, "box": 7.5, "cls": 0.5, "dfl": 1.5, "pose": 12.0, "kobj": 2.0,
    "label_smoothing": 0.0, "nbs": 64, "overlap_mask": True, "mask_ratio": 4, "dropout": 0.0, "val": True,
    "hsv_h": 0.015, "hsv_s": 0.7, "hsv_v": 0.4, "degrees": 0.0, "translate": 0.1, "scale": 0.5, "shear": 0.0,
    "perspective": 0.0, "flipud": 0.0, "fliplr": 0.5, "bgr": 0.0, "mosaic": 1.0, "mixup": 0.0,
    "copy_paste": 0.0, "copy_paste_mode": "flip", "auto_augment": "randaugment", "erasing": 0.4,
    "crop_fraction": 1.0, "iou": 0.7, "max_det": 300, "split": "val", "vid_stride": 1, "show_labels": True,
    "show_conf": True, "show_boxes": True, "line_width": None, "format": "torchscript", "simplify": True,
    "opset": None, "workspace": 4.0, "dynamic": False, "classes": None, "retina_masks": False,
}  # fmt: skip


def test_names_are_unique():
    assert len(by_name) == len(ARGUMENTS)


@pytest.mark.parametrize("mode", SPEC)
def test_every_argument_of_the_specification_is_there(mode):
    missing = [name for name in SPEC[mode].split() if name not in by_name]
    wrong_mode = [
        name for name in SPEC[mode].split() if name in by_name and mode not in by_name[name].modes
    ]
    assert (missing, wrong_mode) == ([], [])


def test_defaults_of_the_specification():
    assert {name: by_name[name].default for name in SPEC_DEFAULTS} == SPEC_DEFAULTS
    assert by_name["conf"].default_for("predict") == 0.25
    # the specification's False, which since end-to-end heads is another wish than saying nothing
    assert by_name["nms"].default is None
    assert by_name["conf"].default_for("val") == 0.001
    assert by_name["batch"].default_for("export") == 1


@pytest.mark.parametrize("argument", ARGUMENTS, ids=lambda a: a.name)
def test_row_is_complete_and_consistent(argument):
    assert argument.group in GROUPS
    assert set(argument.modes) <= set(MODES)
    assert argument.modes
    assert set(argument.tasks) <= set(TASKS)
    assert set(argument.mode_defaults) <= set(argument.modes)
    assert argument.help.endswith(".")
    assert 20 <= len(argument.help) <= 200
    assert describe_accepted(argument)
    for mode in argument.modes:
        default = argument.default_for(mode)
        assert coerce(argument, default) == default


def test_reasons_belong_to_arguments_and_read_as_reasons():
    assert set(NOT_YET) <= set(by_name)
    for name, choices in NOT_YET_CHOICES.items():
        assert name in by_name
        assert all(choices.values())
    assert all(reason and not reason.endswith(".") for reason in NOT_YET.values())


def test_form_has_the_essentials_first_and_nothing_without_effect():
    assert {a.name for a in essentials("train")} >= {"model", "epochs", "imgsz", "batch", "device"}
    assert len(essentials("train")) <= 8
    offered = {a.name for a in arguments_for("train", "detect")}
    assert "lr0" in offered
    assert not offered & (
        set(NOT_YET) | {"mode", "task", "source", "format", "overlap_mask", "json"}
    )
    assert "overlap_mask" in {a.name for a in arguments_for("train", "segment")}


def test_rows_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        by_name["epochs"].default = 3


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("epochz", "'epochs'"),
        ("image_size", "'imgsz'"),
        ("lr", "'lr0'"),
        ("EPOCHS", "'epochs'"),
        ("qqqq", ""),
    ],
)
def test_did_you_mean(typed, hint):
    text = did_you_mean(typed)
    assert hint in text
    assert bool(hint) == bool(text)


def test_yaml_can_hold_every_default():
    values = {a.name: a.default for a in ARGUMENTS}
    assert yaml.safe_load(yaml.safe_dump(values)) == values
