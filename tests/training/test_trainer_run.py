"""A training from its arguments to its run directory."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import torch
import yaml

from engine import YOLO
from engine.core.callbacks import EVENTS
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.nn.checkpoint import load_checkpoint
from engine.runtime.errors import DatasetError

# Events that the field registers but, by the recording, never fires; ours do.
OURS = {"optimizer_step", "on_before_zero_grad", "on_params_update"}


def _recorder(calls):
    def record(event):
        return lambda host: calls.append(f"{type(host).__name__}:{event}")

    return {event: record(event) for event in EVENTS}


def test_callbacks_fire_in_the_recorded_order(shared_dir, make_trainer):
    recorded = json.loads((shared_dir / "facts" / "callbacks.json").read_text())["train_segment"]
    expected = [name for name, count in recorded["order_rle"] for _ in range(count)]
    calls = []
    make_trainer(SegmentationTrainer, _recorder(calls)).train()
    assert [c for c in calls if c.split(":")[1] not in OURS] == expected
    steps = [c.split(":")[1] for c in calls if c.split(":")[1] in OURS]
    assert steps == ["optimizer_step", "on_before_zero_grad", "on_params_update"] * 4


def test_callbacks_of_a_run_that_an_exception_ends(shared_dir, make_trainer, read_events):
    recorded = json.loads((shared_dir / "facts" / "callbacks.json").read_text())[
        "train_interrupted"
    ]
    expected = [name for name, count in recorded["order_rle"] for _ in range(count)]
    calls = []
    trainer = make_trainer(DetectionTrainer, _recorder(calls), epochs=3)

    def fail(_):
        raise RuntimeError("the cloud is away")

    trainer.add_callback("on_model_save", fail)
    with pytest.raises(RuntimeError, match="cloud"):
        trainer.train()
    assert [c for c in calls if c.split(":")[1] not in OURS] == expected
    (error,) = read_events(trainer.save_dir, "error")
    assert error["kind"] == "crash"
    assert "the cloud is away" in error["message"]
    assert "test_trainer_run.py" in error["details"]
    assert read_events(trainer.save_dir)[-1]["event"] == "teardown"


def _fact_columns(shared_dir, task):
    text = (shared_dir / "facts" / "cli_and_callbacks.md").read_text()
    return re.search(rf"\*\*{task}\*\* \(\d+\): (.+)", text).group(1).split(", ")


def test_run_directory_is_the_fields(shared_dir, make_trainer, kind):
    trainer = make_trainer(kind, plots=True)
    metrics = trainer.train()
    text = (shared_dir / "facts" / "cli_and_callbacks.md").read_text()
    files = re.search(rf"\*\*train_{kind.task}\*\*: (.+)", text).group(1).split(", ")
    # two batches in an epoch, two epochs: pictures of the first three
    found = {
        str(p.relative_to(trainer.save_dir)) for p in trainer.save_dir.rglob("*") if p.is_file()
    }
    assert set(files) <= found
    assert {"events.jsonl", "labels.json", "validation.json"} == found - set(files)
    rows = (trainer.save_dir / "results.csv").read_text().splitlines()
    assert rows[0].split(",") == _fact_columns(shared_dir, kind.task)
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2"]
    assert all(cell for row in rows[1:] for cell in row.split(","))
    assert set(metrics) == {c for c in rows[0].split(",") if c.startswith("metrics/")}


def test_arguments_are_kept_and_can_be_used_again(make_trainer, arguments):
    trainer = make_trainer(hsv_h=0.25, cos_lr=True)
    trainer.train()
    kept = yaml.safe_load((trainer.save_dir / "args.yaml").read_text())
    assert (kept["hsv_h"], kept["cos_lr"], kept["imgsz"]) == (0.25, True, 64)
    again = DetectionTrainer(cfg=trainer.save_dir / "args.yaml", overrides={"name": "again"})
    assert (again.args.hsv_h, again.save_dir.name) == (0.25, "again")
    named = DetectionTrainer(
        overrides={"cfg": str(trainer.save_dir / "args.yaml"), "name": "third"}
    )
    assert (named.args.hsv_h, named.save_dir.name) == (0.25, "third")


def test_events_tell_the_whole_story(make_trainer, read_events):
    trainer = make_trainer(SegmentationTrainer)
    trainer.train()
    start = read_events(trainer.save_dir, "on_train_start")[0]
    expected = {
        "epochs": 2,
        "start_epoch": 1,
        "batches": 2,
        "images": 4,
        "val_images": 2,
        "batch": 2,
    }
    assert expected.items() <= start.items()
    epochs = read_events(trainer.save_dir, "on_fit_epoch_end")
    assert [(e["epoch"], e["final"]) for e in epochs] == [(1, False), (2, False), (2, True)]
    first = epochs[0]
    assert set(first["losses"]) == set(first["val_losses"]) == set(SegmentationTrainer.loss_names)
    assert set(first["lr"]) == {"pg0", "pg1", "pg2"}
    assert first["images_per_second"] > 0
    assert first["memory_mib"] > 0
    assert first["eta_s"] > 0
    assert epochs[1]["eta_s"] == 0
    end = read_events(trainer.save_dir, "on_train_end")[0]
    assert (end["reason"], end["epochs"]) == ("finished", 2)
    assert end["best"] == str(trainer.best)
    messages = [e["message"] for e in read_events(trainer.save_dir, "log")]
    assert any("AdamW" in m and "random weights" in m for m in messages)


def test_validation_json_holds_every_image_and_measure(make_trainer):
    trainer = make_trainer(SegmentationTrainer, epochs=1)
    trainer.train()
    record = json.loads((trainer.save_dir / "validation.json").read_text())
    assert record["names"] == {"0": "square"}
    assert [row["name"] for row in record["per_class"]] == ["square"]
    assert len(record["curves"]["mask"]["recall"]) == 101
    assert record["confusion"]["labels"] == ["square", "background"]
    assert len(record["images"]) == 2
    truth = record["images"][0]["ground_truth"][0]
    (x1, y1, x2, y2), polygon = truth["box"], truth["polygon"]
    assert (x2 - x1, y2 - y1) == pytest.approx((24, 24), abs=0.02)
    assert min(p[0] for p in polygon) == pytest.approx(x1, abs=0.02)
    assert record["weights"] == str(trainer.best)
    assert record["metrics"].keys() >= {"metrics/mAP50(M)", "fitness"}


def test_finished_files_are_small_and_open_safely(make_trainer, kind):
    trainer = make_trainer(kind)
    trainer.train()
    for path in (trainer.best, trainer.last):
        values = torch.load(path, weights_only=True)
        assert values["optimizer"] is None
        found = load_checkpoint(path)
        assert found.names == {0: "square"}
        assert found.task == kind.task
        assert found.train_args["data"] == trainer.args.data
        assert list(found.results) == (trainer.save_dir / "results.csv").read_text().split("\n")[
            0
        ].split(",")
    assert trainer.best.stat().st_size < 8e6


def test_save_period_and_save(make_trainer):
    trainer = make_trainer(epochs=3, save_period=2)
    trainer.train()
    assert {p.name for p in trainer.wdir.iterdir()} == {"last.pt", "best.pt", "epoch2.pt"}
    saves = []
    trainer = make_trainer(epochs=3, save=False, name="b")
    trainer.add_callback("on_model_save", lambda t: saves.append(t.epoch))
    trainer.train()
    assert saves == [2]  # the last epoch is always kept


def test_without_val_only_the_last_epoch_is_measured(make_trainer):
    trainer = make_trainer(epochs=3, val=False)
    metrics = trainer.train()
    rows = [r.split(",") for r in (trainer.save_dir / "results.csv").read_text().splitlines()]
    column = rows[0].index("metrics/mAP50(B)")
    assert [row[column] != "" for row in rows[1:]] == [False, False, True]
    assert "metrics/mAP50(B)" in metrics


def test_the_same_seed_trains_the_same_weights_and_another_does_not(make_trainer, kind):
    weights = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        trainer = make_trainer(kind, name=name, seed=seed)
        trainer.train()
        weights.append(torch.cat([p.flatten() for p in trainer.model.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_folders_are_numbered_and_exist_ok_starts_clean(make_trainer, read_events):
    first = make_trainer(epochs=1)
    first.train()
    second = make_trainer(epochs=1)
    second.train()
    assert (first.save_dir.name, second.save_dir.name) == ("run", "run2")
    (first.wdir / "epoch7.pt").write_bytes(b"of the first run")
    again = make_trainer(epochs=2, exist_ok=True)
    again.train()
    assert not (again.wdir / "epoch7.pt").exists()
    assert again.save_dir == first.save_dir
    assert len((again.save_dir / "results.csv").read_text().splitlines()) == 3
    assert len(read_events(again.save_dir, "on_train_start")) == 1


def test_a_lone_picture_of_one_cell_is_enlarged(make_trainer):
    """A batch norm cannot learn from one value: the network would see it as one cell."""
    trainer = make_trainer(epochs=1, imgsz=32, batch=1, fraction=0.0001)
    sizes = []
    trainer.add_callback("on_train_batch_end", lambda t: sizes.append(len(t.train_loader.dataset)))
    trainer.train()
    assert sizes == [1]
    trainer = make_trainer(epochs=2, imgsz=64, batch=1, multi_scale=0.5, fraction=0.2)
    trainer.train()
    assert trainer.epoch == 1


def test_pictures_without_objects_can_be_measured(make_trainer, drawn_parts, tmp_path):
    """Empty label files say that there is nothing; what is found is wrong, and none of it is a reason to stop."""
    shutil.copytree(drawn_parts.parent, tmp_path / "bare")
    described = yaml.safe_load(drawn_parts.read_text())
    del described["path"]
    (tmp_path / "bare" / drawn_parts.name).write_text(yaml.safe_dump(described))
    for label in (tmp_path / "bare" / "labels" / "val").iterdir():
        label.write_text("")
    data = str(tmp_path / "bare" / drawn_parts.name)
    for val in (True, False):
        trainer = make_trainer(epochs=1, data=data, val=val)
        trainer.train()
        assert trainer.metrics["metrics/mAP50(B)"] == 0.0
        assert any(
            "all label files are empty" in str(p) for p in trainer.test_loader.dataset.problems
        )
    assert YOLO(trainer.best).val(data=data, imgsz=64, device="cpu", plots=True).box.map == 0.0
    for label in (tmp_path / "bare" / "labels" / "train").iterdir():
        label.write_text("")
    with pytest.raises(DatasetError, match="None of the") as refused:
        make_trainer(epochs=1, data=data).train()
    assert "All label files are empty" in refused.value.remedy
