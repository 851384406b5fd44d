"""Every argument of training, task by task: turning it changes what it should, or it is named as idle.

One short training is the measure; another with one argument turned must differ from it. What shows only in the
end of a run, on a GPU or in a process of its own has a test elsewhere, named here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

from engine import YOLO
from engine.cfg.schema import ARGUMENTS, TASKS, arguments_for

ROOT = Path(__file__).resolve().parents[2]

# name: another value than the one of the measure
CHANGES: dict[str, Any] = {
    "angle": 9.0, "auto_augment": "augmix", "batch": 1, "bgr": 1.0, "box": 1.0, "cache": "ram",
    "channels_last": False, "classes": [1], "close_mosaic": 2, "cls": 2.0, "copy_paste": 1.0, "copy_paste_mode": "mixup",
    "cos_lr": True, "crop_fraction": 0.5, "cutmix": 1.0, "degrees": 45.0, "deterministic": False, "dfl": 9.0,
    "dropout": 0.5, "ema": False, "epochs": 7, "erasing": 0.0, "fliplr": 1.0, "flipud": 1.0, "fraction": 0.5,
    "freeze": 1, "hsv_h": 0.5, "hsv_s": 0.0, "hsv_v": 0.0, "imgsz": 96, "kobj": 9.0, "label_smoothing": 0.3,
    "lr0": 0.05, "lrf": 0.5, "mask_ratio": 2, "mixup": 1.0, "momentum": 0.5, "mosaic": 0.0, "multi_scale": 0.5,
    "name": "other", "nbs": 2, "optimizer": "SGD", "overlap_mask": False, "patience": 5, "perspective": 0.001,
    "plots": True, "pose": 1.0, "rect": True, "rle": 9.0, "scale": 0.1, "seed": 1, "shear": 20.0,
    "single_cls": True, "split": "train", "time": 1.0, "translate": 0.4, "warmup_bias_lr": 0.05,
    "warmup_epochs": 1.0, "warmup_momentum": 0.1, "weight_decay": 0.1,
}  # fmt: skip
# Read by the loop that all tasks share and by nothing of a task: one task shows it
COMMON = frozenset(
    [
        "batch",
        "channels_last",
        "cos_lr",
        "deterministic",
        "ema",
        "epochs",
        "freeze",
        "lr0",
        "lrf",
        "momentum",
        "name",
        "nbs",
        "optimizer",
        "patience",
        "plots",
        "time",
        "warmup_bias_lr",
        "warmup_epochs",
        "warmup_momentum",
        "weight_decay",
    ]
)
# What else must be set for an argument to show, in the measure too
BESIDE: dict[str, dict[str, Any]] = {
    "copy_paste_mode": {"copy_paste": 1.0},
    "hsv_h": {"auto_augment": None},  # a policy has colours of its own
    "hsv_s": {"auto_augment": None},
    "hsv_v": {"auto_augment": None},
    "overlap_mask": {"scale": 0.0},
    "rle": {"model": "tiny_pose26.yaml"},
    "warmup_bias_lr": {"warmup_epochs": 1.0},
    "warmup_momentum": {"warmup_epochs": 1.0},
}
# name: file and function of the test that sees what it does
ELSEWHERE = {
    **dict.fromkeys(("agnostic_nms", "conf", "iou", "max_det"), ("test_trainer_arguments.py", "test_thresholds_hold_in_the_validations_of_a_training")),
    "amp": ("test_mixed_precision.py", "test_every_task_learns_the_same_in_bfloat16"),
    "compile": ("test_compiled.py", "test_a_compiled_training_computes_the_same"),
    "data": ("test_trainer_ends.py", "test_bad_data_is_named_in_the_run_directory"),
    "device": ("test_several_devices.py", "test_two_processes_learn_what_one_learns"),
    "exist_ok": ("test_trainer_run.py", "test_folders_are_numbered_and_exist_ok_starts_clean"),
    "linear_probe": ("test_trainer_arguments.py", "test_a_linear_probe_is_refused_where_nothing_can_be_adapted"),
    "model": ("test_starting_weights.py", "test_a_trained_model_in_hand_names_its_file"),
    "pretrained": ("test_starting_weights.py", "test_another_task_with_the_same_backbone_serves_through_pretrained"),
    "profile": ("test_trainer_arguments.py", "test_profile_tells_the_speed_of_the_exported_model"),
    "project": ("test_trainer_run.py", "test_folders_are_numbered_and_exist_ok_starts_clean"),
    "resume": ("test_trainer_ends.py", "test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit"),
    "save": ("test_trainer_run.py", "test_save_period_and_save"),
    "save_period": ("test_trainer_run.py", "test_save_period_and_save"),
    "sync_bn": ("test_shared_norm.py", "test_a_training_shares_statistics_where_asked"),
    "val": ("test_trainer_run.py", "test_without_val_only_the_last_epoch_is_measured"),
    "verbose": ("test_trainer_arguments.py", "test_verbose_tells_each_epoch"),
    "workers": ("test_prefetch.py", "test_processes_load_for_gpus_and_no_more_than_there_are_cores"),
}  # fmt: skip
# Without an effect for the task, but the random numbers of its pictures are drawn in another order.
REDRAWN = {("pose", "copy_paste"), ("pose", "copy_paste_mode")}


class _Enough(Exception):
    """Ends a training whose first epoch has shown what was wanted."""


def _print(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, value in tensors.items():
        digest.update(name.encode() + value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _sights(trainer: Any) -> dict[str, Any]:
    """Everything of a training in its first epoch that an argument may turn."""
    groups = trainer.optimizer.param_groups
    images = getattr(trainer.train_loader.dataset, "images", None)
    return {
        "average": _print(trainer.ema.ema.state_dict()),
        "batches": len(trainer.train_loader),
        "cache": getattr(images, "kind", None),
        "decay": [group["weight_decay"] for group in groups],
        "deterministic": torch.get_deterministic_debug_mode(),
        "epochs": trainer.epochs,
        "files": sorted(path.name for path in trainer.save_dir.glob("*.jpg")),
        "folder": trainer.save_dir.name,
        "layout": [p.is_contiguous(memory_format=torch.channels_last) for p in trainer.model.parameters() if p.dim() == 4],
        "losses": trainer.tloss.tolist(),
        "names": trainer.data["names"],
        "optimizer": type(trainer.optimizer).__name__,
        "patience": trainer.stopper.patience,
        "plan": trainer.plan,
        "schedule": trainer.schedule,
        "trained": [p.requires_grad for p in trainer.model.parameters()],
        "validated": len(trainer.test_loader.dataset),
        "weights": _print(trainer.model.state_dict()),
    }  # fmt: skip


@pytest.fixture(scope="module")
def look(tiny_task, tmp_path_factory):
    """Train a task for one epoch and give what is to be seen of it, and what its diary warned of."""
    folder, seen = tmp_path_factory.mktemp("looks"), {}

    def run(task: str, **changes: Any) -> tuple[dict[str, Any], str]:
        key = (task, repr(sorted(changes.items())))
        if key not in seen:
            seen[key] = train(task, changes)
        return seen[key]

    def train(task: str, changes: dict[str, Any]) -> tuple[dict[str, Any], str]:
        arguments = {
            **tiny_task(task),
            "epochs": 2,
            "batch": 2,
            "imgsz": 64,
            "device": "cpu",
            "plots": False,
            "verbose": False,
            "project": str(folder / str(len(seen))),
            "name": "run",
            **changes,
        }
        if "model" in changes:
            arguments["model"] = str(Path(tiny_task(task)["model"]).with_name(changes["model"]))
        trainer = YOLO.task_map[task]["trainer"](overrides=arguments)
        sights = {}

        def enough(trainer: Any) -> None:
            sights.update(_sights(trainer))
            raise _Enough

        trainer.add_callback("on_train_epoch_end", enough)
        with pytest.raises(_Enough):
            trainer.train()
        diary = (trainer.save_dir / "events.jsonl").read_text().splitlines()
        return sights, "\n".join(line for line in diary if '"event": "warning"' in line)

    return run


def _offered(task: str) -> set[str]:
    return {argument.name for argument in arguments_for("train", task)}


CASES = [
    (task, name)
    for task in TASKS
    for name in sorted(_offered(task) & set(CHANGES))
    if task == "detect" or name not in COMMON
]


@pytest.mark.parametrize(("task", "name"), CASES)
def test_turning_an_argument_changes_what_is_trained(task, name, look):
    beside = {k: v for k, v in BESIDE.get(name, {}).items() if k in (*_offered(task), "model")}
    before, _ = look(task, **beside)
    after, _ = look(task, **{**beside, name: CHANGES[name]})
    assert [key for key in before if before[key] != after[key]] != []


@pytest.mark.parametrize("task", TASKS)
def test_idle_arguments_change_nothing_and_are_named(task, look):
    idle = {
        a.name: CHANGES[a.name]
        for a in ARGUMENTS
        if a.name in CHANGES and not a.not_yet and a.name not in _offered(task)
    }
    if not idle:
        pytest.skip("every argument has an effect")
    before, silence = look(task)
    quiet = {k: v for k, v in idle.items() if (task, k) not in REDRAWN}
    after, warned = look(task, **quiet)
    assert after == before
    assert "Without effect" not in silence
    assert all(name in warned for name in quiet)
    assert all(name in look(task, **idle)[1] for name in idle)


@pytest.mark.parametrize("task", TASKS)
def test_the_same_training_looks_the_same(task, look):
    assert look(task, seed=0) == look(task)


@pytest.mark.parametrize("task", TASKS)
def test_no_argument_is_forgotten(task):
    assert sorted(_offered(task) - set(CHANGES) - set(ELSEWHERE)) == []


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_the_test_elsewhere_is_there(name):
    file, function = ELSEWHERE[name]
    assert f"def {function}" in (ROOT / "tests" / "training" / file).read_text(encoding="utf-8")
