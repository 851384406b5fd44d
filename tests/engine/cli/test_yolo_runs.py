"""The yolo command on a drawn data set: train, val, predict, export, and what bad input gets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from engine import YOLO, cli
from engine.runtime.log import LOGGER

ROOT = Path(__file__).parents[3]
SMALL = ("imgsz=64", "batch=4", "workers=0", "device=cpu")


@pytest.fixture(scope="module")
def trained(drawn_parts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The JSON of a real `yolo segment train` process."""
    project = tmp_path_factory.mktemp("runs")
    words = [
        "segment",
        "train",
        f"data={drawn_parts}",
        "epochs=1",
        f"project={project}",
        "json=True",
        *SMALL,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "engine", *words, "plots=False"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "yolo11n-seg.yaml is trained from random weights" in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(autouse=True)
def _log_as_it_was():
    """main() attaches handlers for a process that ends; a test's process goes on."""
    handlers, level = list(LOGGER.handlers), LOGGER.level
    yield
    LOGGER.handlers[:] = handlers
    LOGGER.setLevel(level)


def last_json(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_train_leaves_a_run_directory(trained):
    folder = Path(trained["save_dir"])
    assert (trained["task"], trained["mode"]) == ("segment", "train")
    assert {"args.yaml", "results.csv", "events.jsonl"} <= {path.name for path in folder.iterdir()}
    assert Path(trained["model"]).parent == folder / "weights"
    assert Path(trained["model"]).is_file()
    assert {"metrics/mAP50(B)", "metrics/mAP50(M)", "fitness"} <= set(trained["metrics"])


def test_val_repeats_the_training_metrics(trained, tmp_path, capsys):
    words = [
        "val",
        f"model={trained['model']}",
        f"project={tmp_path}",
        "plots=False",
        "json",
        *SMALL,
    ]
    assert cli.main(words) == 0
    captured = capsys.readouterr()
    assert "Mask-mAP50-95" in captured.err
    assert any(line.startswith("square ") for line in captured.err.splitlines())
    outcome = json.loads(captured.out.splitlines()[-1])
    assert Path(outcome["save_dir"]).parent == tmp_path
    assert outcome["metrics"]["metrics/mAP50(M)"] == pytest.approx(
        trained["metrics"]["metrics/mAP50(M)"], abs=0.05
    )


def test_quiet_says_only_the_place(trained, tmp_path, capsys):
    words = ["val", f"model={trained['model']}", f"project={tmp_path}", "plots=False", "quiet"]
    assert cli.main([*words, *SMALL]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == f"{tmp_path / 'val'}\n"


def test_predict_saves_pictures_and_labels(trained, drawn_parts, tmp_path, capsys):
    source = drawn_parts.parent / "images" / "val"
    words = [f"model={trained['model']}", f"source={source}", f"project={tmp_path}", "imgsz=64"]
    assert cli.main(["predict", *words, "conf=0.0001", "max_det=3", "save_txt", "json=True"]) == 0
    outcome = last_json(capsys)
    folder = Path(outcome["save_dir"])
    assert outcome["images"] == 2
    assert len([path for path in folder.iterdir() if path.is_file()]) == 2
    rows = sum(len(file.read_text().splitlines()) for file in (folder / "labels").glob("*.txt"))
    assert rows == outcome["objects"]
    assert 0 < rows <= 6


def test_the_outcome_names_an_exported_model_too(trained, tmp_path, capsys):
    onnx = tmp_path / "small.onnx"
    shutil.copy(YOLO(trained["model"]).export(format="onnx", imgsz=64), onnx)
    words = ["predict", f"model={onnx}", "imgsz=64", "save=False", "json", "quiet"]
    assert cli.main(words) == 0
    assert json.loads(capsys.readouterr().out)["model"] == str(onnx)


def test_predict_without_a_source_looks_at_drawn_pictures(trained, tmp_path, capsys):
    words = [f"model={trained['model']}", f"project={tmp_path}", "imgsz=64", "save=False", "json"]
    assert cli.main(["predict", *words]) == 0
    captured = capsys.readouterr()
    assert "No source given" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["images"] > 0


def test_export_says_what_and_where(trained, capsys):
    assert (
        cli.main(["export", f"model={trained['model']}", "format=onnx", "imgsz=64", "json=True"])
        == 0
    )
    outcome = last_json(capsys)
    assert outcome["format"] == "onnx"
    assert Path(outcome["path"]).suffix == ".onnx"
    assert Path(outcome["path"]).stat().st_size / 2**20 == pytest.approx(
        outcome["size_mib"], abs=0.01
    )


def test_without_json_the_last_line_is_the_place(trained, capsys):
    words = ["export", f"model={trained['model']}", "format=torchscript", "imgsz=64"]
    assert cli.main(words) == 0
    assert Path(capsys.readouterr().out.splitlines()[-1]).is_file()


def test_another_task_than_the_model_has_is_told_and_the_model_wins(trained, tmp_path, capsys):
    words = ["detect", "val", f"model={trained['model']}", f"project={tmp_path}", "json", *SMALL]
    assert cli.main([*words, "plots=False"]) == 0
    captured = capsys.readouterr()
    assert f"{trained['model']} is a model for segment, not for detect." in captured.err
    assert json.loads(captured.out.splitlines()[-1])["task"] == "segment"


def test_a_training_for_another_task_takes_the_sister_model(
    trained, drawn_parts, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(trained["model"], "yolo11n-seg.pt")
    words = ["detect", "train", "model=yolo11n-seg.pt", f"data={drawn_parts}", "epochs=1", "json"]
    assert cli.main([*words, "project=runs", "plots=False", *SMALL]) == 0
    captured = capsys.readouterr()
    assert "yolo11n.yaml is trained, from those of its weights that fit" in captured.err
    outcome = json.loads(captured.out.splitlines()[-1])
    assert outcome["task"] == "detect"
    args = yaml.safe_load((Path(outcome["save_dir"]) / "args.yaml").read_text())
    assert (args["model"], args["pretrained"]) == ("yolo11n.yaml", "yolo11n-seg.pt")


def test_a_training_for_another_task_needs_a_name_that_tells_the_family(trained, capsys):
    assert cli.main(["pose", "train", f"model={trained['model']}", "data=x.yaml"]) == 1
    said = capsys.readouterr().err
    assert f"{trained['model']} is a model for segment, expected one for pose" in said
    assert "Write yolo segment train" in said


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["train", "data=nowhere/data.yaml", "model=yolo11n.yaml", *SMALL], "nowhere"),
        (["train", "model=yolo11n.yaml", *SMALL], "data"),
        (["train", "data=x.yaml", "model=yolo99n.yaml"], "yolo99n.yaml"),
        (["predict", "model=nope.pt", "source=x"], "nope.pt"),
        (["predict", "model=MODEL", "source=nowhere.jpg"], "nowhere.jpg"),
        (["predict", "model=MODEL", "source=.", "device=7"], "device=7"),
        (["export", "model=MODEL", "format=zzz"], "torchscript, onnx"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_input_gets_one_sentence(words, part, trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main([word.replace("MODEL", trained["model"]) for word in words]) == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    *before, last = captured.err.strip().splitlines()
    assert not any(part in line for line in before)  # said once
    assert last.startswith("yolo: ")
    assert part in last
    assert "Error:" not in last


def test_lack_of_memory_says_what_to_do(trained, monkeypatch, capsys):
    import torch

    def greedy(_command):
        torch.empty(2**60, dtype=torch.uint8)

    monkeypatch.setattr(cli, "run", greedy)
    assert cli.main(["version"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "smaller batch" in line
