"""How a training can end, and that nothing is lost when it does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
import yaml

from engine import YOLO, cli
from engine.cfg.schema import TASKS
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.nn.checkpoint import load_checkpoint
from engine.runtime.errors import CheckpointError, ConfigError, DatasetError, EngineError
from engine.runtime.log import LOGGER
from engine.runtime.paths import lasting_path
from engine.runtime.settings import settings
from engine.training.failures import DivergedError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def _log_as_it_was():
    """The command attaches handlers for a process that ends; a test's process goes on."""
    handlers, level = list(LOGGER.handlers), LOGGER.level
    yield
    LOGGER.handlers[:] = handlers
    LOGGER.setLevel(level)


def _say(trainer, command):
    (trainer.save_dir / "control.json").write_text(json.dumps({"command": command}))


def _state(trainer):
    """Everything that the course of a training shows in."""
    average = trainer.ema.ema.state_dict()
    moments = trainer.optimizer.state_dict()["state"]
    return (
        {f"model.{k}": v for k, v in trainer.model.state_dict().items()}
        | {f"ema.{k}": v for k, v in average.items()}
        | {f"optimizer.{i}.{k}": v for i, s in moments.items() for k, v in s.items()}
    )


def _rows(trainer):
    lines = (trainer.save_dir / "results.csv").read_text().splitlines()
    return [line.split(",")[:1] + line.split(",")[2:] for line in lines]  # without the time


@pytest.mark.parametrize("optimizer", ["auto", "SGD"])
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(make_trainer, kind, optimizer):
    whole = make_trainer(kind, epochs=4, name="whole", optimizer=optimizer, nbs=4)
    whole.train()

    broken = make_trainer(kind, epochs=4, name="broken", optimizer=optimizer, nbs=4)

    def fail(trainer):
        if trainer.epoch == 1:
            raise RuntimeError("power cut")

    broken.add_callback("on_fit_epoch_end", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        broken.train()
    torch.manual_seed(12345)  # whatever happened in between
    resumed = kind(overrides={"resume": str(broken.last)})
    resumed.train()

    assert resumed.save_dir == broken.save_dir
    assert resumed.start_epoch == 2
    expected, found = _state(whole), _state(resumed)
    assert expected.keys() == found.keys()
    different = [k for k, v in expected.items() if not torch.equal(v, found[k])]
    assert different == []
    assert _rows(whole) == _rows(resumed)
    assert whole.stopper.state_dict() == resumed.stopper.state_dict()


@pytest.mark.parametrize("task", TASKS)
def test_every_task_resumes_as_if_it_had_not_stopped(task, tiny_task, make_trainer):
    kind = YOLO.task_map[task]["trainer"]
    whole = make_trainer(kind, **tiny_task(task), epochs=3, name="whole")
    whole.train()
    broken = make_trainer(kind, **tiny_task(task), epochs=3, name="broken")

    def fail(trainer):
        raise RuntimeError("power cut")

    broken.add_callback("on_fit_epoch_end", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        broken.train()
    resumed = kind(overrides={"resume": str(broken.last)})
    resumed.train()
    expected, found = _state(whole), _state(resumed)
    assert [k for k, v in expected.items() if not torch.equal(v, found[k])] == []
    assert _rows(whole) == _rows(resumed)


def test_resume_continues_the_diary(make_trainer, read_events):
    trainer = make_trainer(epochs=3)
    trainer.add_callback("on_train_epoch_start", lambda t: _say(t, "stop_after_epoch"))
    trainer.train()
    assert read_events(trainer.save_dir, "on_train_end")[0]["reason"] == "stopped"
    DetectionTrainer(overrides={"model": str(trainer.last), "resume": True}).train()
    starts = read_events(trainer.save_dir, "on_train_start")
    assert [s["start_epoch"] for s in starts] == [1, 2]
    ends = read_events(trainer.save_dir, "on_train_end")
    assert [(e["reason"], e["epochs"]) for e in ends] == [("stopped", 1), ("finished", 3)]
    epochs = [e for e in read_events(trainer.save_dir, "on_fit_epoch_end") if not e["final"]]
    assert [e["epoch"] for e in epochs] == [1, 2, 3]
    first, second, third = (e["seconds"] for e in epochs)
    assert first > 0
    assert second < third  # the first part counted up to its last.pt, not to its end


def _fail(trainer):
    raise RuntimeError("power cut")


@pytest.fixture
def broken(arguments):
    """A model whose training broke off after its first epoch of three."""
    model = YOLO("yolo11n.yaml")
    model.overrides["imgsz"] = 640  # as a file of weights remembers it of its own training
    model.add_callback("on_fit_epoch_end", _fail)
    with pytest.raises(RuntimeError, match="power cut"):
        model.train(**{**arguments, "epochs": 3})
    model.reset_callbacks()
    return model


def test_a_model_goes_on_with_the_run_that_it_began(broken):
    folder = broken.trainer.save_dir
    broken.train(resume=True)
    assert (broken.trainer.save_dir, len(_rows(broken.trainer))) == (folder, 4)


@pytest.mark.parametrize("place", [".", "weights"])
def test_a_run_is_resumed_by_its_folder(broken, place):
    folder = broken.trainer.save_dir
    model = YOLO("yolo11n.yaml")
    model.train(resume=folder / place)
    assert (model.trainer.save_dir, model.trainer.epoch) == (folder, 2)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"no weights/last\.pt in this folder"):
        YOLO("yolo11n.yaml").train(resume=str(tmp_path))


@pytest.mark.usefixtures("_log_as_it_was")
def test_the_command_resumes_the_newest_run(broken, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = broken.trainer.save_dir
    older = shutil.copytree(folder, folder.with_name("older"))
    os.utime(older / "weights" / "last.pt", (0, 0))
    assert cli.main(["train", "resume=True", f"project={folder.parent}", "json=True"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1])["save_dir"] == str(folder)
    assert "No model given" not in said.err
    assert cli.main(["train", "resume=True", "project=runs", "name=older"]) == 0
    assert capsys.readouterr().out.strip() == str(older)


@pytest.mark.usefixtures("_log_as_it_was")
def test_the_command_looks_for_runs_where_the_settings_say(broken, tmp_path, capsys):
    settings.update({"runs_dir": str(tmp_path / "kept")})
    run = shutil.copytree(broken.trainer.save_dir, tmp_path / "kept" / "detect" / "train7")
    assert cli.main(["train", "resume=True"]) == 0
    assert capsys.readouterr().out.strip() == str(run)


@pytest.mark.usefixtures("_log_as_it_was")
def test_the_command_says_at_once_that_there_is_nothing_to_resume(tmp_path, capsys):
    settings.update({"runs_dir": str(tmp_path / "none")})
    assert cli.main(["train", "resume=True"]) == 1
    said = capsys.readouterr().err
    assert "No model given" not in said
    assert "resume=RUN/weights/last.pt" in said
    assert cli.main(["train", f"resume={tmp_path}"]) == 1
    assert "no weights/last.pt in this folder" in capsys.readouterr().err


def test_resume_refuses_what_cannot_be_continued(make_trainer, tmp_path):
    trainer = make_trainer(epochs=1)
    trainer.train()
    with pytest.raises(CheckpointError, match="no state of a training"):
        DetectionTrainer(overrides={"resume": str(trainer.best)})
    with pytest.raises(CheckpointError, match="no such file"):
        DetectionTrainer(overrides={"resume": str(tmp_path / "nothing.pt")})
    with pytest.raises(CheckpointError, match=r"needs the last\.pt"):
        DetectionTrainer(overrides={"resume": True, "model": "yolo11n.yaml"})


def test_resume_keeps_what_a_run_computes_and_lets_its_length_change(make_trainer):
    trainer = make_trainer(epochs=2)
    trainer.add_callback("on_train_epoch_start", lambda t: _say(t, "stop_after_epoch"))
    trainer.train()
    last = str(trainer.last)
    with pytest.raises(ConfigError, match="imgsz=64"):
        DetectionTrainer(overrides={"resume": last, "imgsz": 96})
    longer = DetectionTrainer(overrides={"resume": last, "epochs": 3, "imgsz": 64})
    assert longer.args.epochs == 3
    longer.train()
    assert longer.epoch == 2


def _part_of_a_run(make_trainer, **changes):
    """Train an epoch of two and give the last.pt."""
    trainer = make_trainer(epochs=2, **changes)
    trainer.add_callback("on_train_epoch_start", lambda t: _say(t, "stop_after_epoch"))
    trainer.train()
    return str(trainer.last)


def test_what_was_said_before_may_be_said_again_in_other_words(make_trainer):
    """A script that trains is run again with resume added: nothing that it says is new."""
    said = {"mosaic": 0, "lr0": 1e-2, "freeze": (0, 1), "single_cls": 1, "optimizer": "adamw"}
    last = _part_of_a_run(make_trainer, **said, imgsz=50)
    same = {"mosaic": 0.0, "lr0": "0.01", "freeze": [0, 1], "single_cls": True, "imgsz": 50.0}
    for again in (said, same, {"imgsz": 50}, {"imgsz": 64}, {"warmup_epochs": 3, "fraction": 1}):
        assert DetectionTrainer(overrides={"resume": last, **again}).args.imgsz == 64
    for other in ({"mosaic": 0.5}, {"lr0": "high"}, {"freeze": 2}, {"imgsz": 32}, {"imgsz": 70}):
        with pytest.raises(ConfigError, match="a resumed run keeps"):
            DetectionTrainer(overrides={"resume": last, **other})


def test_a_run_goes_on_with_data_that_were_moved(make_trainer, drawn_parts, tmp_path):
    here = tmp_path / "here"
    shutil.copytree(drawn_parts.parent, here)
    described = yaml.safe_load(drawn_parts.read_text())
    del described["path"]
    (here / drawn_parts.name).write_text(yaml.safe_dump(described))
    last = _part_of_a_run(make_trainer, data=str(here / drawn_parts.name))
    there = here.rename(tmp_path / "there")
    with pytest.raises(DatasetError, match="no longer there") as refused:
        DetectionTrainer(overrides={"resume": last})
    assert "data=" in refused.value.remedy

    other = tmp_path / "other.yaml"
    said = yaml.safe_load((there / drawn_parts.name).read_text())
    names = {number: f"other{number}" for number in range(len(said["names"]))}
    other.write_text(yaml.safe_dump({**said, "path": str(there), "names": names}))
    with pytest.raises(DatasetError, match="not the data of the run"):
        DetectionTrainer(overrides={"resume": last, "data": str(other)}).train()

    resumed = DetectionTrainer(overrides={"resume": last, "data": str(there / drawn_parts.name)})
    resumed.train()
    assert len(_rows(resumed)) == 3
    with pytest.raises(ConfigError, match="a resumed run keeps data"):  # they are where they were
        DetectionTrainer(overrides={"resume": _part_of_a_run(make_trainer), "data": str(other)})


def test_a_run_is_resumed_as_the_task_it_was(make_trainer):
    trainer = make_trainer(SegmentationTrainer, epochs=2)
    trainer.add_callback("on_train_epoch_start", lambda t: _say(t, "stop_after_epoch"))
    trainer.train()
    with pytest.raises(CheckpointError, match="segment"):
        DetectionTrainer(overrides={"resume": str(trainer.last)})
    model = YOLO("yolo11n.yaml")
    model.train(resume=str(trainer.last))
    assert (model.task, model.trainer.epoch) == ("segment", 1)


def test_a_moved_run_goes_on_where_it_is_now(make_trainer):
    trainer = make_trainer(epochs=2)
    trainer.add_callback("on_train_epoch_start", lambda t: _say(t, "stop_after_epoch"))
    trainer.train()
    moved = trainer.save_dir.with_name("elsewhere")
    trainer.save_dir.rename(moved)
    resumed = DetectionTrainer(overrides={"resume": str(moved / "weights" / "last.pt")})
    resumed.train()
    assert resumed.save_dir == moved
    assert len(_rows(resumed)) == 3


def test_a_run_knows_its_data_in_every_folder(make_trainer, drawn_parts, tmp_path, monkeypatch):
    monkeypatch.chdir(drawn_parts.parent.parent)
    relative = str(Path(drawn_parts.parent.name) / drawn_parts.name)
    trainer = make_trainer(epochs=2, data=relative)
    trainer.add_callback("on_train_epoch_start", lambda t: _say(t, "stop_after_epoch"))
    trainer.train()
    assert load_checkpoint(trainer.best).train_args["data"] == str(drawn_parts)
    said = yaml.safe_load((trainer.save_dir / "args.yaml").read_text())
    assert said["data"] == relative
    again = DetectionTrainer(cfg=trainer.save_dir / "args.yaml", overrides={"epochs": 1})
    again.train()
    assert again.epoch == 0

    resumed = DetectionTrainer(overrides={"resume": str(trainer.last), "data": relative})
    assert resumed.args.data == str(drawn_parts)  # the same, named otherwise
    monkeypatch.chdir(tmp_path)
    DetectionTrainer(overrides={"resume": str(trainer.last)}).train()
    assert YOLO(str(trainer.best)).val(device="cpu", plots=False).results_dict


def test_data_that_is_no_path_is_remembered_as_it_was_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("coco8.yaml", "imagenet10", "https://example.org/data.yaml", "x" * 5000, "", None):
        assert lasting_path(name) == name
    (tmp_path / "coco8.yaml").touch()
    assert lasting_path("coco8.yaml") == str(tmp_path / "coco8.yaml")


def test_stop_now_leaves_a_file_that_can_be_used_and_resumed(make_trainer, read_events):
    trainer = make_trainer(epochs=3)
    trainer.add_callback("on_train_batch_start", lambda t: _say(t, "stop"))
    trainer.train()
    assert trainer.stop_reason == "stopped"
    assert len(read_events(trainer.save_dir, "on_train_batch_end")) == 1
    assert read_events(trainer.save_dir, "on_train_end")[0]["reason"] == "stopped"
    assert not (trainer.save_dir / "control.json").exists()  # obeyed once, not again by a resume
    load_checkpoint(trainer.last)
    resumed = DetectionTrainer(overrides={"resume": str(trainer.last)})
    resumed.train()
    assert (resumed.start_epoch, resumed.stop_reason) == (0, "finished")


def test_stopping_later_keeps_the_last_finished_epoch(make_trainer):
    trainer = make_trainer(epochs=3)
    trainer.add_callback(
        "on_train_batch_start", lambda t: _say(t, "stop") if t.epoch == 1 else None
    )
    trainer.train()
    found = load_checkpoint(trainer.last)
    assert (found.epoch, found.is_resumable) == (0, True)


def test_interrupting_leaves_a_loadable_file_and_is_passed_on(make_trainer, read_events):
    trainer = make_trainer(epochs=3)

    def interrupt(_):
        raise KeyboardInterrupt

    trainer.add_callback("on_train_batch_end", interrupt)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert load_checkpoint(trainer.last).task == "detect"
    assert [e["event"] for e in read_events(trainer.save_dir)[-2:]] == ["on_train_end", "teardown"]


def test_a_pause_waits_and_does_not_count_as_time(make_trainer, read_events):
    trainer = make_trainer(epochs=1)
    waited = []
    original = trainer._open_run

    def open_run():
        original()
        sleep = trainer.control.wait_while_paused

        def wait():
            waited.append(trainer.control.command(now=True))
            _say(trainer, "run")
            return sleep()

        trainer.control.wait_while_paused = wait

    trainer._open_run = open_run
    trainer.add_callback("on_train_batch_start", lambda t: None if waited else _say(t, "pause"))
    trainer.train()
    assert waited == ["pause"]
    states = [e["state"] for e in read_events(trainer.save_dir, "log")]
    assert "paused" in states
    assert states[states.index("paused") + 1] == "running"
    assert trainer.stop_reason == "finished"


def test_early_stopping_after_patience(make_trainer, read_events):
    trainer = make_trainer(epochs=20, patience=2)
    scores = iter([0.5, 0.4, 0.3, 0.2])
    validate = trainer.validate
    trainer.validate = lambda: (validate()[0], next(scores))
    trainer.train()
    assert (trainer.stop_reason, trainer.epoch) == ("early_stopping", 2)
    assert read_events(trainer.save_dir, "on_train_end")[0]["reason"] == "early_stopping"
    assert load_checkpoint(trainer.best).epoch == -1


def test_a_time_budget_ends_the_run_with_a_measured_model(make_trainer, read_events):
    trainer = make_trainer(epochs=1, time=6 / 3600)  # epochs= does not matter then
    metrics = trainer.train()
    assert trainer.stop_reason == "time"
    assert trainer.epoch > 1
    assert trainer.clock.seconds() < 30
    assert "metrics/mAP50(B)" in metrics
    lr = [e["lr"]["pg0"] for e in read_events(trainer.save_dir, "on_fit_epoch_end")]
    assert lr[-1] < lr[0]


def test_a_callback_may_end_the_run(make_trainer):
    trainer = make_trainer(epochs=5)
    trainer.add_callback("on_train_epoch_end", lambda t: setattr(t, "stop", True))
    trainer.train()
    assert (trainer.epoch, trainer.stop_reason) == (0, "stopped")
    assert trainer.best.exists()


def test_a_run_that_never_measured_has_its_best_weights_all_the_same(make_trainer):
    trainer = make_trainer(epochs=5, val=False)
    trainer.add_callback("on_fit_epoch_end", lambda t: setattr(t, "stop", True))
    trainer.train()
    assert trainer.epoch == 0
    assert trainer.best.exists()
    assert trainer.metrics


def _poison(trainer):
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(float("nan"))


def test_a_diverged_epoch_is_done_again_with_half_the_rate(make_trainer, read_events):
    trainer = make_trainer(epochs=3)
    poisoned = []

    def once(t):
        if t.epoch == 1 and not poisoned:
            poisoned.append(t.epoch)
            _poison(t)

    trainer.add_callback("on_train_batch_start", once)
    trainer.train()
    assert (trainer.recoveries, trainer.lr_scale) == (1, 0.5)
    assert [row[0] for row in _rows(trainer)] == ["epoch", "1", "2", "3"]
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())
    assert "not a number" in read_events(trainer.save_dir, "warning")[0]["message"]


def test_a_loss_that_stays_broken_ends_the_run_with_the_reason(make_trainer, read_events):
    trainer = make_trainer(epochs=3)
    trainer.add_callback("on_train_batch_start", _poison)
    with pytest.raises(DivergedError, match="epoch 1"):
        trainer.train()
    (error,) = read_events(trainer.save_dir, "error")
    assert error["kind"] == "diverged"
    assert "lr0" in error["remedy"]


def test_bad_data_is_named_in_the_run_directory(make_trainer, read_events, tmp_path):
    file = tmp_path / "data.yaml"
    file.write_text("train: images/nowhere\nval: images/nowhere\nnames: [a]\n")
    trainer = make_trainer(data=str(file))
    with pytest.raises(DatasetError):
        trainer.train()
    (error,) = read_events(trainer.save_dir, "error")
    assert error["kind"] == "data"
    assert "nowhere" in error["message"]
    assert error["remedy"]


@pytest.mark.parametrize("named", ["data", "pretrained"])
def test_a_path_to_nothing_leaves_no_run_directory(make_trainer, tmp_path, named):
    """Nobody waits for that run: the next one takes its name."""
    for _ in range(2):
        trainer = make_trainer(**{named: str(tmp_path / "missing" / "file.pt")})
        with pytest.raises(EngineError):
            trainer.train()
        assert trainer.save_dir.name == "run"
        assert not trainer.save_dir.exists()


def test_a_directory_that_waits_for_the_run_gets_the_reason(make_trainer, read_events, tmp_path):
    """As the studio makes it before it starts the training."""
    folder = tmp_path / "runs" / "run"
    folder.mkdir(parents=True)
    trainer = make_trainer(data=str(tmp_path / "missing.yaml"), exist_ok=True)
    with pytest.raises(DatasetError):
        trainer.train()
    assert trainer.save_dir == folder
    assert read_events(folder, "error")[0]["kind"] == "data"


def test_what_others_put_beside_a_failed_run_stays(make_trainer, tmp_path):
    trainer = make_trainer(data=str(tmp_path / "missing.yaml"))
    note = lambda t: (t.save_dir / "note.txt").write_text("mine")  # noqa: E731
    trainer.add_callback("on_pretrain_routine_start", note)
    with pytest.raises(DatasetError):
        trainer.train()
    assert (trainer.save_dir / "note.txt").read_text() == "mine"
    assert (trainer.save_dir / "events.jsonl").exists()


def test_out_of_memory_is_named(make_trainer, read_events):
    trainer = make_trainer()
    trainer.add_callback("on_train_batch_start", lambda t: torch.empty(1 << 50))
    with pytest.raises(RuntimeError):
        trainer.train()
    (error,) = read_events(trainer.save_dir, "error")
    assert error["kind"] == "out_of_memory"
    assert "batch" in error["remedy"]


@pytest.mark.skipif(os.name == "nt", reason="limits of file sizes are POSIX")
def test_a_full_disk_is_named_and_the_events_survive(arguments, read_events):
    """A real refusal by the file system: this process may write no file beyond 3 MB."""
    code = """
    import json, resource, signal, sys
    from engine.models.yolo.detect.train import DetectionTrainer
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    trainer = DetectionTrainer(overrides=json.loads(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
    trainer.train()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), json.dumps(arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    folder = Path(arguments["project"]) / "run"
    (error,) = read_events(folder, "error")
    assert error["kind"] == "disk"
    assert "space" in error["remedy"]
    assert not list((folder / "weights").iterdir())


def test_a_folder_that_cannot_be_written_says_so(make_trainer, tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        make_trainer(project=str(blocker)).train()
