"""Trainings that are killed, interrupted or cut off from their memory, in processes of their own."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from engine.models.yolo.detect.train import DetectionTrainer
from engine.nn.checkpoint import load_checkpoint

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 6
pytestmark = pytest.mark.skipif(os.name == "nt", reason="fork and signals are POSIX")

# Imports the engine once, then answers each line of its input (arguments as JSON) with a training in a fork
# of itself, whose process number it prints.
NURSERY = """
import json, os, sys, traceback
from engine.models.yolo.detect.train import DetectionTrainer
import engine.core.export_speed, engine.nn.autobackend, engine.drawing.curves

for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            DetectionTrainer(overrides=json.loads(line)).train()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(status, flush=True)
"""


def _start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def _events(folder, name):
    file = folder / "events.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in lines if f'"event": "{name}"' in line]


def _rows(folder):
    with (folder / "results.csv").open(newline="") as file:
        return [
            {k: v for k, v in row.items() if k not in ("time", "epoch")}
            for row in csv.DictReader(file)
        ]


def _wait(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def test_killed_at_any_moment_a_run_goes_on_as_if_nothing_had_been(arguments, make_trainer):
    asked = {"epochs": EPOCHS, "optimizer": "SGD", "nbs": 4, "amp": False}
    whole = make_trainer(**asked, name="whole")
    whole.train()
    wanted = {**arguments, **asked, "name": "killed"}
    folder = Path(arguments["project"]) / "killed"
    last = folder / "weights" / "last.pt"
    chance = random.Random(0)
    nursery = _start(NURSERY)
    kills = cut_off = 0
    status = -1
    while status != 0:
        given = {"resume": str(last)} if last.exists() else {**wanted, "exist_ok": True}
        saved = len(_events(folder, "on_model_save")) if last.exists() else 0
        nursery.stdin.write(json.dumps(given) + "\n")
        nursery.stdin.flush()
        child = int(nursery.stdout.readline())
        if kills < 3:
            # after something was saved, so that the run gets on; then anywhere in what follows
            _wait(lambda n=saved, c=child: len(_events(folder, "on_model_save")) > n or _gone(c))
            time.sleep(chance.uniform(0, 0.25))
            with contextlib.suppress(ProcessLookupError):  # a quick computer was done before
                os.kill(child, signal.SIGKILL)
            kills += 1
        status = int(nursery.stdout.readline())
        if last.exists():
            load_checkpoint(last)
            if status != 0:  # it might have been in the middle of writing
                (last.parent / ".last.0123abcd.tmp.pt").write_bytes(b"half")
        cut_off += status != 0
    _close(nursery)
    assert cut_off >= 1
    expected, found = _rows(whole.save_dir), _rows(folder)
    assert len(found) == EPOCHS
    for one, other in zip(expected, found, strict=True):
        for column, value in one.items():
            assert float(other[column]) == pytest.approx(float(value), abs=1e-5), column
    assert json.loads(_events(folder, "on_train_end")[-1])["reason"] == "finished"
    assert not list(folder.rglob("*.tmp*"))  # what the killed ones were writing is gone


def _close(process):
    process.stdin.close()
    process.stdout.close()
    return process.wait(60)


def _gone(number):
    return not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE


def test_a_run_killed_after_its_last_epoch_only_needs_its_end(make_trainer):
    trainer = make_trainer(epochs=2)

    def power_cut():
        raise RuntimeError("power cut")

    trainer.final_eval = power_cut
    with pytest.raises(RuntimeError, match="power cut"):
        trainer.train()
    resumed = DetectionTrainer(overrides={"resume": str(trainer.last)})
    metrics = resumed.train()
    assert "metrics/mAP50(B)" in metrics
    assert len(_rows(resumed.save_dir)) == 2
    assert load_checkpoint(resumed.last).optimizer is None


# Trains with loader processes, which on a processor nobody starts unasked.
WORKERS = """
import json, sys
from engine.data.build import build_dataloader
from engine.models.yolo.detect.train import DetectionTrainer

class Trainer(DetectionTrainer):
    def get_dataloader(self, dataset_path, batch_size=16, rank=-1, mode="train"):
        dataset = self.build_dataset(dataset_path, mode, batch_size)
        return build_dataloader(dataset, batch_size, 2, mode == "train", seed=self.args.seed)

try:
    Trainer(overrides=json.loads(sys.argv[1])).train()
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_no_worker_outlives_its_training(arguments, name):
    folder = Path(arguments["project"]) / "run"
    process = _start(WORKERS, json.dumps({**arguments, "epochs": 500}))
    _wait(lambda: len(_events(folder, "on_model_save")) > 0 or process.poll() is not None)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    # Ctrl-C in a terminal reaches the workers too, but a training must not count on that
    os.kill(process.pid, getattr(signal, name))
    code = process.wait(60)
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []
    _close(process)
    assert load_checkpoint(folder / "weights" / "last.pt").is_resumable
    if name == "SIGINT":
        assert code == 130
        assert json.loads((folder / "events.jsonl").read_text().splitlines()[-1])["event"] == (
            "teardown"
        )
