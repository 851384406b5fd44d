"""Trainings of several processes, here two on the processor: the same as one, and ended together."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
import torch

from engine.models.yolo.detect.train import DetectionTrainer
from engine.nn.checkpoint import load_checkpoint
from engine.nn.model_file import read_values
from engine.runtime.errors import ConfigError, DatasetError
from engine.training.ranks import RankError

ROOT = Path(__file__).resolve().parents[2]
IMAGES = 7  # in batches of four: the last one has two images for one process and one for the other

# Trainers that the other process, too, can import
TRAINERS = """
import torch
from engine.models.yolo.detect.train import DetectionTrainer


class Unlucky(DetectionTrainer):
    '''The second process runs out of memory in a backward pass, then meets an image that is no number.'''

    def preprocess_batch(self, batch):
        batch = super().preprocess_batch(batch)
        here = (self.epoch, self.batch_index)
        if self.team.rank == 1 and here == (0, 1) and self.batch_size == 4:
            self.model.model[0].conv.weight.register_hook(self._out_of_memory)
        if self.team.rank == 1 and here == (1, 2):
            batch["img"] = batch["img"] * float("nan")
        return batch

    def _out_of_memory(self, gradient):
        if self.batch_size == 4:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return gradient


class Broken(DetectionTrainer):
    def preprocess_batch(self, batch):
        if self.team.rank == 1 and self.epoch == 1:
            raise KeyError("boxes")
        return super().preprocess_batch(batch)


class Half(DetectionTrainer):
    '''Counts the images that this process learns from.'''

    def preprocess_batch(self, batch):
        with open(self.args.name + str(self.team.rank) + ".txt", "a") as file:
            file.write("".join(f"{self.epoch} {self.batch_index} {name}\\n" for name in batch["im_file"]))
        return super().preprocess_batch(batch)
"""


@pytest.fixture
def trainers(tmp_path, monkeypatch):
    """The module of `TRAINERS`; the folder of the test is the working directory."""
    (tmp_path / "own_trainers.py").write_text(TRAINERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("own_trainers", None)
    import own_trainers

    return own_trainers


@pytest.fixture
def two(arguments, tiny_task):
    """Arguments of a training in two processes."""
    return {
        **arguments, **tiny_task("detect", IMAGES), "device": "cpu,cpu",
        "batch": 4, "optimizer": "SGD", "nbs": 4, "epochs": 2, "exist_ok": True, "amp": False,
    }  # fmt: skip


def _rows(folder):
    with (folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: float(v) for k, v in row.items() if k != "time"} for row in rows]


def _children():
    """Return the processes of this training; other tests may have left some of their own."""
    return [p for p in psutil.Process().children(recursive=True) if _is_rank(p)]


def _is_rank(process):
    try:
        return "engine.distributed.rank" in process.cmdline()
    except psutil.Error:
        return False  # it is gone


def _wait(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def test_two_processes_learn_what_one_learns(two, trainers, tmp_path, read_events):
    alone = trainers.Half(overrides={**two, "device": "cpu", "name": "alone", "save_period": 1})
    alone.train()
    both = trainers.Half(overrides={**two, "name": "both", "save_period": 1})
    seen = []
    both.add_callback("on_train_epoch_end", lambda t: seen.append((t.epoch, t.team.size)))
    metrics = both.train()

    assert seen == [(0, 2), (1, 2)]  # callbacks are called in the process that was asked
    assert both.validator.metrics.results_dict.keys() <= metrics.keys() | {"fitness"}
    for one, other in zip(_rows(alone.save_dir), _rows(both.save_dir), strict=True):
        assert other == pytest.approx(one, abs=2e-5)
    one, other = (read_values(t.last.with_name("best.pt"))["model"] for t in (alone, both))
    for name, value in one.items():  # stored in half precision
        assert torch.allclose(other[name].float(), value.float(), atol=2e-4), name
    found = [
        (tmp_path / f"{name}.txt").read_text().split("\n") for name in ("alone0", "both0", "both1")
    ]
    assert sorted(found[0][:-1]) == sorted(found[1][:-1] + found[2][:-1])
    assert len(found[2]) - 1 == 2 * 3
    start = read_events(both.save_dir, "on_train_start")[0]
    assert (start["device"], start["batch"], start["batches"]) == ("cpu,cpu", 4, 2)
    assert sorted(p.name for p in alone.save_dir.rglob("*")) == sorted(
        p.name for p in both.save_dir.rglob("*")
    )
    assert _children() == []


def test_memory_and_broken_losses_of_one_process_are_dealt_with_by_both(two, trainers, read_events):
    trainer = trainers.Unlucky(overrides=two)
    batches = []
    trainer.add_callback("on_train_batch_end", lambda t: batches.append((t.epoch, t.batch_size)))
    trainer.train()
    # the batch that did not fit comes again in halves, the last of which takes in the image left over
    assert batches == [(0, 4), (0, 2), *[(1, 2)] * 3]
    told = [event["message"] for event in read_events(trainer.save_dir, "warning")]
    assert any(text.startswith("batch=4 does not fit into the memory") for text in told)
    assert trainer.plan.accumulate == 2
    assert trainer.recovery.dropped == 1
    (event,) = [e for e in read_events(trainer.save_dir, "warning") if "dropped" in e["message"]]
    assert (
        len(event["files"]) == 3
    )  # of both processes: the last batch takes in the image left over
    assert all(torch.isfinite(v).all() for v in trainer.model.state_dict().values())
    assert trainer.stop_reason == "finished"


def test_a_killed_process_ends_all_with_one_error_and_the_run_resumes(two, read_events):
    trainer = DetectionTrainer(overrides={**two, "epochs": 3})

    def kill(t):
        if (t.epoch, t.batch_index) == (1, 0):
            (child,) = _children()
            os.kill(child.pid, signal.SIGKILL)

    trainer.add_callback("on_train_batch_end", kill)
    with pytest.raises(RankError, match=r"process 2 of this training ended \(signal 9, SIGKILL\)"):
        trainer.train()
    assert _children() == []
    (error,) = read_events(trainer.save_dir, "error")
    assert error["kind"] == "crash"
    assert "Resume from last.pt" in error["remedy"]
    resumed = DetectionTrainer(overrides={"resume": str(trainer.last)})
    resumed.train()
    whole = DetectionTrainer(overrides={**two, "epochs": 3, "name": "whole", "device": "cpu"})
    whole.train()
    for one, other in zip(_rows(whole.save_dir), _rows(resumed.save_dir), strict=True):
        assert other == pytest.approx(one, abs=2e-4)


def test_an_error_of_another_process_is_the_error_of_the_run(two, trainers, read_events):
    trainer = trainers.Broken(overrides=two)
    with pytest.raises(RankError, match="process 2 of this training failed: KeyError: 'boxes'"):
        trainer.train()
    (error,) = read_events(trainer.save_dir, "error")
    assert "KeyError" in error["message"]
    assert _children() == []
    assert load_checkpoint(trainer.last).is_resumable


def test_ctrl_c_ends_both(two, read_events):
    trainer = DetectionTrainer(overrides={**two, "epochs": 50})

    def interrupt(t):
        if t.epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)

    trainer.add_callback("on_train_batch_end", interrupt)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert _children() == []
    assert load_checkpoint(trainer.last).is_resumable
    (end,) = read_events(trainer.save_dir, "on_train_end")
    assert end["reason"] == "stopped"


def test_commands_reach_both_and_a_time_is_kept_by_both(two, read_events):
    trainer = DetectionTrainer(overrides={**two, "epochs": 50, "time": 1.0})

    def ask(t):
        if t.epoch == 1:
            t.control.path.write_text(json.dumps({"command": "stop"}))
            t.control._looked = 0.0

    trainer.add_callback("on_train_batch_start", ask)
    trainer.train()
    assert trainer.stop_reason == "stopped"
    assert trainer.ending.interrupted
    assert load_checkpoint(trainer.last).is_resumable
    assert not trainer.control.path.exists()
    assert read_events(trainer.save_dir, "error") == []


def test_what_cannot_be_told_to_another_process_is_refused(two):
    class Local(DetectionTrainer):
        pass

    with pytest.raises(ConfigError, match="class Local cannot be imported"):
        Local(overrides=two).train()
    trainer = DetectionTrainer(overrides=two)
    trainer.model = torch.nn.Linear(1, 1)
    with pytest.raises(ConfigError, match="in memory only"):
        trainer.train()
    assert _children() == []


def test_too_few_images_are_refused(two, tiny_task):
    with pytest.raises(DatasetError, match="1 training images for 2 devices"):
        DetectionTrainer(overrides={**two, **tiny_task("detect", 1)}).train()
    assert _children() == []


SCRIPT = """
import json, sys
from engine import YOLO
from engine.models.yolo.detect.train import DetectionTrainer

class Own(DetectionTrainer):
    def preprocess_batch(self, batch):
        sys.stdout.write(f"rank {self.team.rank} of {self.team.size}\\n")  # in one piece
        return super().preprocess_batch(batch)

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    model = YOLO(given.pop("model"))
    found = model.train(trainer=Own, **given)
    print("saved" if model.ckpt_path.exists() else "lost", sorted(found.results_dict)[:1], flush=True)
"""


@pytest.fixture
def script(tmp_path):
    """A person's script, with a trainer of its own."""
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    return file


def test_torchrun_starts_a_script_as_it_is(two, script):
    del two["device"]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
         str(script), json.dumps({**two, "epochs": 1, "device": "cpu"})],
        cwd=script.parent, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("rank 0 of 2") == done.stdout.count("rank 1 of 2") == 2
    assert done.stdout.count("saved") == 2
    assert done.stdout.count("Validating") == 1  # what there is to say is said once
    assert len(_rows(Path(two["project"]) / "run")) == 1


def test_no_process_outlives_a_killed_training_of_a_script(two, script):
    command = [sys.executable, str(script), json.dumps({**two, "epochs": 500})]
    process = subprocess.Popen(
        command, cwd=script.parent, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    last = Path(two["project"]) / "run" / "weights" / "last.pt"
    _wait(lambda: last.exists() or process.poll() is not None)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 1
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert load_checkpoint(last).is_resumable


def test_a_script_without_a_guard_is_told_so(two, tmp_path):
    file = tmp_path / "unguarded.py"
    guarded = 'if __name__ == "__main__":'
    file.write_text(textwrap.dedent(SCRIPT).replace(guarded, "if True:"))
    done = subprocess.run(
        [sys.executable, str(file), json.dumps({**two, "epochs": 1})],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert 'if __name__ == "__main__"' in done.stdout
