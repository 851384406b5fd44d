"""Trackers of experiments: what a real training tells them, read back from what they keep; failures cost nothing."""

from __future__ import annotations

import json
import socket
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine.integrations import callbacks
from engine.integrations.callbacks import LOGGERS, logger_callbacks
from engine.integrations.mlflow import metric_name, tracking_uri
from engine.integrations.run_logger import RunLogger
from engine.runtime.settings import settings
from engine.runtime.settings_schema import SETTINGS

PACKAGES = {
    "tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow", "clearml": "clearml",
    "comet": "comet_ml", "dvc": "dvclive", "neptune": "neptune",
}  # fmt: skip
LOCAL = ("127.", "::1", "localhost")
Curves = dict[str, dict[int, float]]


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Addresses beyond this computer that this process has tried to reach; each attempt fails."""
    tried: list[Any] = []
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(
            LOCAL
        ):
            tried.append(address)
            raise OSError("no network in tests")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Switch a tracker on whose package is installed, in a folder of the test's own."""

    def switch(name: str) -> None:
        pytest.importorskip(PACKAGES[name])
        monkeypatch.chdir(tmp_path)
        settings.update({name: True, "runs_dir": str(tmp_path / "runs")})

    return switch


def columns(folder: Path) -> Curves:
    """Give results.csv as curves."""
    rows = [line.split(",") for line in (folder / "results.csv").read_text().splitlines()]
    names = rows[0]
    return {
        name: {int(row[0]): float(row[i]) for row in rows[1:]}
        for i, name in enumerate(names)
        if "/" in name
    }


def from_tensorboard(folder: Path) -> Curves:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    kept = EventAccumulator(str(folder)).Reload()
    assert "train/box_loss" in kept.Tags()["scalars"]
    assert any(tag.startswith("arguments") for tag in kept.Tags()["tensors"])
    return {t: {e.step: e.value for e in kept.Scalars(t)} for t in kept.Tags()["scalars"]}


def from_mlflow(folder: Path) -> Curves:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(folder.parent / "mlflow").as_uri())
    experiment = client.get_experiment_by_name(folder.parent.name)
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert (run.info.run_name, run.data.params["epochs"]) == (folder.name, "2")
    assert {f.path for f in client.list_artifacts(run.info.run_id)} >= {"best.pt"}
    back = {metric_name(name): name for name in columns(folder)}
    return {
        back[name]: {m.step: m.value for m in client.get_metric_history(run.info.run_id, name)}
        for name in run.data.metrics
        if name in back
    }


def from_wandb(folder: Path) -> Curves:
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    curves: Curves = {}
    for data in leveldb_records(file.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        for item in record.history.item:
            name = item.key or "/".join(item.nested_key)
            if record.history.step.num and "/" in name:
                curves.setdefault(name, {})[record.history.step.num] = json.loads(item.value_json)
    return curves


def leveldb_records(data: bytes) -> Iterator[bytes]:
    """Give the records of a log in LevelDB's format: blocks of 32 KiB, parts of checksum, length, kind."""
    block, at, parts = 1 << 15, 7, b""  # after the header of the file
    while at + 7 <= len(data):
        if block - at % block < 7:
            at += block - at % block
            continue
        length, kind = struct.unpack("<4xHB", data[at : at + 7])
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


def from_clearml(folder: Path) -> Curves:
    (archive,) = folder.glob("clearml/*.zip")
    curves: Curves = {}
    with zipfile.ZipFile(archive) as kept:
        for line in kept.read("metrics.jsonl").decode().splitlines():
            for event in json.loads(line):
                if event.get("type") == "training_stats_scalar":
                    name = f"{event['metric']}/{event['variant']}"
                    curves.setdefault(name, {})[event["iter"]] = event["value"]
    return curves


def from_comet(folder: Path) -> Curves:
    (archive,) = folder.glob("comet/*.zip")
    curves: Curves = {}
    with zipfile.ZipFile(archive) as kept:
        for line in kept.read("messages.json").decode().splitlines():
            metric = json.loads(line)["payload"].get("metric") or {}
            if metric.get("metricName"):
                value = float(metric["metricValue"])
                curves.setdefault(metric["metricName"], {})[metric["step"]] = value
    return curves


def from_dvclive(folder: Path) -> Curves:
    root = folder / "dvclive"
    assert json.loads((root / "metrics.json").read_text())["step"] == 2
    assert "epochs: 2" in (root / "params.yaml").read_text()
    curves: Curves = {}
    for file in (root / "plots" / "metrics").rglob("*.tsv"):
        name = file.relative_to(root / "plots" / "metrics").with_suffix("").as_posix()
        rows = [line.split("\t") for line in file.read_text().splitlines()[1:]]
        curves[name] = {int(step): float(value) for step, value in rows}
    return curves


def from_neptune(folder: Path) -> Curves:
    curves: Curves = {}
    decoder = json.JSONDecoder()
    for file in folder.glob(".neptune/offline/*/data-*.log"):
        text, at = file.read_text(), 0
        while at < len(text.rstrip()):
            row, at = decoder.raw_decode(text, at)
            row = row["obj"]
            if row["type"] == "LogFloats":
                points = {int(v["step"]): v["value"] for v in row["values"]}
                curves.setdefault("/".join(row["path"]), {}).update(points)
            while at < len(text) and text[at].isspace():
                at += 1
    return curves


READERS: dict[str, Callable[[Path], Curves]] = {
    "tensorboard": from_tensorboard, "wandb": from_wandb, "mlflow": from_mlflow, "clearml": from_clearml,
    "comet": from_comet, "dvc": from_dvclive, "neptune": from_neptune,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LOGGERS))
def test_a_training_is_told_whole_and_to_nobody_else(
    name, switched, make_trainer, outside, read_events
):
    switched(name)
    trainer = make_trainer(plots=True)
    trainer.train()
    assert read_events(trainer.save_dir, "warning") == []
    expected, found = columns(trainer.save_dir), READERS[name](trainer.save_dir)
    for column, points in expected.items():
        assert set(found[column]) == set(points), column
        for epoch, value in points.items():
            assert found[column][epoch] == pytest.approx(value, rel=1e-4, abs=1e-6), (column, epoch)
    assert outside == []


@pytest.mark.parametrize("name", sorted(LOGGERS))
def test_an_interrupted_training_goes_on_in_the_same_run(name, switched, make_trainer, read_events):
    switched(name)
    broken = make_trainer(callbacks={"on_train_epoch_end": lambda t: t.epoch == 1 and fail_now()})
    with pytest.raises(RuntimeError, match="power cut"):
        broken.train()
    first = known_ids(broken.save_dir)
    resumed = type(broken)(overrides={"resume": str(broken.last)})
    resumed.train()
    assert read_events(resumed.save_dir, "warning") == []
    if name in ("mlflow", "wandb", "comet", "neptune"):
        assert first[name] == known_ids(resumed.save_dir)[name] != ""
    if name in ("tensorboard", "mlflow", "dvc", "neptune"):  # the others write each part on its own
        found = READERS[name](resumed.save_dir)
        assert set(found["train/box_loss"]) == {1, 2}
        assert found["metrics/mAP50(B)"].keys() == {1, 2}


def known_ids(folder: Path) -> dict[str, str]:
    """Give what the trackers call a run."""
    file = folder / "integrations.json"
    return json.loads(file.read_text()) if file.exists() else {}


def fail_now() -> None:
    raise RuntimeError("power cut")


def test_a_failed_training_is_told_as_failed(switched, make_trainer, tmp_path):
    switched("mlflow")
    from mlflow import MlflowClient

    trainer = make_trainer(callbacks={"on_train_epoch_end": lambda _: fail_now()})
    with pytest.raises(RuntimeError, match="power cut"):
        trainer.train()
    client = MlflowClient(tracking_uri=(tmp_path / "runs" / "mlflow").as_uri())
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert run.info.status == "FAILED"


# What goes wrong stays with the tracker


class Recorder(RunLogger):
    """Keeps what it is told, and fails where it is asked to."""

    title, package = "Recorder", "recorder"
    fails_in = ""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def _take(self, method: str, *values: Any) -> None:
        self.told.append((method, *values))
        if method == self.fails_in:
            raise OSError("the service is down")

    def start(self, run: Any) -> str:
        self._take("start", run)
        return "number 7"

    def epoch(self, number: int, values: Any) -> None:
        self._take("epoch", number, values)

    def finish(self, end: Any) -> None:
        self._take("finish", end)

    def close(self, failed: bool) -> None:
        self._take("close", failed)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A tracker in TensorBoard's place."""
    made = Recorder()
    module = ModuleType("recorders")
    module.Recorder = lambda: made
    monkeypatch.setitem(sys.modules, "recorders", module)
    monkeypatch.setitem(callbacks.LOGGERS, "tensorboard", ("recorders", "Recorder"))
    settings.update(tensorboard=True)
    return made


def test_the_story_of_a_run(recorder, make_trainer):
    trainer = make_trainer(plots=True)
    trainer.train()
    assert [told[0] for told in recorder.told] == ["start", "epoch", "epoch", "finish", "close"]
    run, end = recorder.told[0][1], recorder.told[3][1]
    assert (run.folder, run.name, run.project) == (trainer.save_dir, "run", "runs")
    assert (run.first_epoch, run.run_id, run.offline) == (1, "", True)
    assert run.arguments["imgsz"] == 64
    assert (run.facts["images"], run.facts["val_images"], run.facts["classes"]) == (4, 2, 1)
    assert (end.reason, end.best) == ("finished", trainer.best)
    assert end.metrics["metrics/mAP50(B)"] == pytest.approx(trainer.metrics["metrics/mAP50(B)"])
    assert {path.name for path in end.plots} >= {"results.png", "train_batch0.jpg"}
    assert recorder.told[4] == ("close", False)
    assert json.loads((trainer.save_dir / "integrations.json").read_text()) == {
        "tensorboard": "number 7"
    }


@pytest.mark.parametrize("moment", ["start", "epoch", "finish", "close"])
def test_a_failing_tracker_is_named_once_and_left_alone(
    recorder, make_trainer, read_events, moment
):
    recorder.fails_in = moment
    trainer = make_trainer()
    trainer.train()
    assert trainer.stop_reason == "finished"
    assert [told[0] for told in recorder.told][-1] == ("start" if moment == "start" else "close")
    assert sum(told[0] == moment for told in recorder.told) == 1
    (warning,) = read_events(trainer.save_dir, "warning")
    assert warning["message"].startswith("Recorder failed")
    assert "OSError: the service is down" in warning["message"]


def test_a_missing_package_is_said_with_what_to_do(make_trainer, monkeypatch, read_events):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    settings.update(tensorboard=True)
    trainer = make_trainer()
    trainer.train()
    (warning,) = read_events(trainer.save_dir, "warning")
    assert "pip install tensorboard" in warning["message"]
    assert "yolo settings tensorboard=False" in warning["message"]


def test_nothing_listens_unasked(monkeypatch):
    assert logger_callbacks(pytest.fail) == {}
    settings.update(tensorboard=True)
    assert set(logger_callbacks(pytest.fail)) == {
        "on_pretrain_routine_end", "on_fit_epoch_end", "on_train_end", "teardown",
    }  # fmt: skip
    monkeypatch.setenv("RANK", "1")
    assert logger_callbacks(pytest.fail) == {}


def test_every_switch_has_its_file():
    switches = {s.name for s in SETTINGS if s.group == "Integrations" and not s.not_yet}
    assert switches == set(LOGGERS)
    assert all(settings[name] is False for name in LOGGERS)


def test_servers_are_used_only_where_the_network_is_allowed(monkeypatch, tmp_path):
    settings.update(runs_dir=str(tmp_path))
    assert tracking_uri(offline=False) == (tmp_path / "mlflow").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    assert tracking_uri(offline=False) == "https://mlflow.example"
    assert tracking_uri(offline=True) == (tmp_path / "mlflow").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs.db")
    assert tracking_uri(offline=True) == "sqlite:///runs.db"
