from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from engine.cfg.model_yaml import model_names
from engine.cfg.weights import (
    attempt_download_asset,
    find_weights,
    full_name,
    known_weights,
    local_weights,
    weights_url,
)
from engine.cli import main
from engine.runtime.downloads import Progress, reporting
from engine.runtime.errors import CheckpointError, MissingCheckpointError
from engine.runtime.settings import settings
from engine.runtime.settings_schema import WEIGHTS_URL

NAME = "yolo11n-seg.pt"
ROOT = Path(__file__).parents[3]


def archive(size: int = 300_000) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        # a fixed date: made twice, it is the same to the byte
        file.writestr(zipfile.ZipInfo("archive/data/0"), bytes(size))
    return memory.getvalue()


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A working folder, with the folder of weights in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    settings["weights_dir"] = "weights"
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def server(file_server, place, monkeypatch):
    file_server.files[f"/{NAME}"] = archive()
    settings["weights_url"] = f"{file_server.url}/"
    return file_server


# The names


def test_every_description_and_scale_has_a_name():
    names = known_weights()
    assert {Path(name).stem for name in model_names()} <= {Path(name).stem for name in names}
    assert len(set(names)) == len(names)
    assert {NAME, "yolo26x-obb.pt", "yolov8m-cls.pt", "yolo12l.pt", "yoloe-11s-seg-pf.pt"} <= {
        *names
    }
    assert "mobileclip_blt.ts" in names


def test_the_public_release_is_the_default():
    assert weights_url(NAME) == f"{WEIGHTS_URL}/{NAME}"
    assert WEIGHTS_URL.startswith("https://")
    settings["weights_url"] = ""
    assert weights_url(NAME) == f"{WEIGHTS_URL}/{NAME}"


def test_the_variable_replaces_the_setting(monkeypatch):
    settings["weights_url"] = "https://one/w"
    assert weights_url(NAME) == f"https://one/w/{NAME}"
    monkeypatch.setenv("MASKWRIGHT_WEIGHTS_URL", "https://two/w/")
    assert weights_url(NAME) == f"https://two/w/{NAME}"


def test_bare_names_are_completed_only_where_they_are_public(place):
    assert full_name("yolo11n-seg") == NAME
    assert full_name("best") == "best"
    assert full_name(Path("a/b.onnx")) == str(Path("a/b.onnx"))
    (place / "yolo11n").mkdir()
    assert full_name("yolo11n") == "yolo11n"


# What is here


def test_the_working_folder_comes_before_the_weights_folder(server, place):
    (place / "weights").mkdir()
    (place / "weights" / NAME).write_text("second")
    assert find_weights(NAME).read_text() == "second"
    (place / NAME).write_text("first")
    assert find_weights(NAME).read_text() == "first"
    assert server.seen == []


def test_a_path_is_not_answered_with_a_file_of_the_same_name_elsewhere(place):
    (place / "weights" / "runs").mkdir(parents=True)
    (place / "weights" / "best.pt").write_text("another training's")
    assert local_weights("runs/train3/best.pt") is None
    (place / "weights" / "runs" / "best.pt").write_text("x")
    assert local_weights("runs/best.pt") == place / "weights" / "runs" / "best.pt"
    with pytest.raises(CheckpointError, match="received a folder"):
        find_weights("weights")


# Fetching


def test_a_public_name_is_fetched_into_the_weights_folder_once(server, place):
    settings["weights_dir"] = str(place / "w" / "here")
    path = find_weights(NAME)
    assert path == place / "w" / "here" / NAME
    assert path.read_bytes() == archive()
    assert find_weights(NAME) == path
    assert len(server.asked_for(f"/{NAME}")) == 1


def test_a_public_name_in_a_folder_that_is_there_is_fetched_into_it(server, place):
    (place / "models").mkdir()
    assert find_weights(f"models/{NAME}") == Path("models", NAME)
    assert (place / "models" / NAME).is_file()


def test_a_folder_that_is_not_there_is_not_made_up(server, place):
    with pytest.raises(
        MissingCheckpointError, match=rf"or write {NAME} alone to have it fetched\."
    ):
        find_weights(f"module/{NAME}")
    assert server.seen == []
    assert not (place / "module").exists()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("yolov11n-seg.pt", "yolo11n-seg.pt"),
        ("YOLO11n-seg.pt", "yolo11n-seg.pt"),
        ("yolo8n.pt", "yolov8n.pt"),
        ("yolo11n_seg.pt", "yolo11n-seg.pt"),
        ("yolo11n-seg.safetensors", "yolo11n-seg.pt"),
        ("my-parts-v3.pt", "my-parts-v2.pt"),
    ],
)
def test_a_name_that_nobody_has_is_not_fetched_and_gets_a_hint(server, place, name, near):
    (place / "my-parts-v2.pt").write_text("")
    with pytest.raises(MissingCheckpointError) as error:
        find_weights(name)
    assert str(error.value) == (
        f"{name}: there is no such model file. Did you mean {near}? Otherwise put it at "
        f"{place / name} or at {place / 'weights' / name}."
    )
    assert server.seen == []


def test_a_name_like_no_other_says_where_to_put_it(server, place):
    with pytest.raises(MissingCheckpointError) as error:
        find_weights("qqqqqqqq.pt")
    assert "Did you mean" not in str(error.value)
    assert f"Put it at {place / 'qqqqqqqq.pt'} or at" in str(error.value)


@pytest.mark.parametrize("kind", [str, Path])
def test_an_address_is_not_a_name(server, place, kind):
    with pytest.raises(MissingCheckpointError, match=r"Fetch it with engine\.download\(address\)"):
        find_weights(kind(f"{server.url}/{NAME}"))
    assert server.seen == []


def test_progress_can_be_followed_and_stopped(server, place):
    seen: list[Progress] = []
    find_weights(NAME, report=seen.append)
    assert seen[-1].done == len(archive())
    assert seen[-1].url == f"{server.url}/{NAME}"

    class Stop(Exception):
        pass

    def stop(progress):
        raise Stop

    (place / "weights" / NAME).unlink()
    with reporting(stop), pytest.raises(Stop):
        find_weights(NAME)


def test_offline_is_one_sentence_with_the_address_and_the_place(place, closed_url):
    settings["weights_url"] = closed_url
    with pytest.raises(MissingCheckpointError) as error:
        find_weights(NAME)
    assert str(error.value) == (
        f"{NAME}: is not on this computer and cannot be fetched: no connection to 127.0.0.1. Get "
        f"{closed_url}/{NAME} another way and put it at {place / 'weights' / NAME}."
    )
    assert isinstance(error.value, FileNotFoundError)
    assert not (place / "weights" / NAME).exists()


def test_switched_off_is_said_so(server, place):
    settings["offline"] = True
    with pytest.raises(
        MissingCheckpointError, match="cannot be fetched: the network is switched off"
    ):
        find_weights(NAME)
    assert server.seen == []


def test_what_the_server_lacks_can_be_trained(server, place):
    with pytest.raises(MissingCheckpointError) as error:
        find_weights("yolo12n-seg.pt")
    assert str(error.value) == (
        "yolo12n-seg.pt: is not on this computer, and 127.0.0.1 has no such file. Perhaps none are "
        "published. Start untrained from yolo12n-seg.yaml."
    )


def test_our_own_head_has_no_public_weights_but_a_mirror_may_have_some(server, place, monkeypatch):
    name = "yolo11n-semseg.pt"
    server.files[f"/{name}"] = archive(10)
    assert find_weights(name).is_file()
    (place / "weights" / name).unlink()
    monkeypatch.setenv("MASKWRIGHT_WEIGHTS_URL", WEIGHTS_URL)
    with pytest.raises(MissingCheckpointError) as error:
        find_weights(name)
    assert "no trained weights of this model are published" in str(error.value)
    assert "from yolo11n-semseg.yaml, with pretrained=yolo11n-seg.pt" in str(error.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive()[:200_000], "its end is missing after 200000 bytes"),
        (b"<!doctype html><title>log in</title>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", r"it is no model file \(42 bytes\)"),
        (b"", r"it is no model file \(0 bytes\)"),
    ],
)
def test_what_is_no_whole_model_file_does_not_get_the_name(server, place, content, reason):
    server.files[f"/{NAME}"] = content
    with pytest.raises(MissingCheckpointError, match=reason):
        find_weights(NAME)
    assert [*(place / "weights").iterdir()] == []


def test_a_lying_length_does_not_leave_half_a_model(server, place):
    server.length = 100_000
    with pytest.raises(MissingCheckpointError, match="its end is missing after 100000 bytes"):
        find_weights(NAME)
    server.length = None
    assert find_weights(NAME).read_bytes() == archive()


@pytest.mark.parametrize("make", [str, Path.as_uri])
def test_a_folder_serves_also_offline(place, tmp_path, monkeypatch, make):
    mirror = tmp_path / "usb stick"
    mirror.mkdir()
    (mirror / NAME).write_bytes(archive())
    settings["weights_url"] = make(mirror)
    monkeypatch.setenv("MASKWRIGHT_OFFLINE", "1")
    assert find_weights(NAME) == place / "weights" / NAME
    with pytest.raises(MissingCheckpointError, match="usb stick has no such file"):
        find_weights("yolo11s-seg.pt")


def test_attempt_download_asset_lets_other_names_pass(server, place):
    assert attempt_download_asset(NAME) == str(place / "weights" / NAME)
    assert attempt_download_asset("mine.pt") == "mine.pt"
    (place / "mine.pt").write_text("")
    assert attempt_download_asset("mine.pt") == "mine.pt"


# As people use it


@pytest.fixture
def trained(tmp_path) -> bytes:
    from engine.nn.checkpoint import save_checkpoint
    from engine.nn.tasks import build_model

    return save_checkpoint(tmp_path / "made.pt", build_model("yolo11n-seg.yaml", nc=3)).read_bytes()


def test_yolo_takes_a_name(server, place, trained):
    from engine import YOLO

    server.files[f"/{NAME}"] = trained
    model = YOLO("yolo11n-seg")
    assert model.ckpt_path == place / "weights" / NAME
    assert model.task == "segment"


def test_pretrained_takes_a_name(server, place, trained):
    import torch

    from engine import YOLO
    from engine.models.yolo.segment.train import SegmentationTrainer

    class Ready(Exception):
        pass

    class Starter(SegmentationTrainer):
        def train(self):
            raise Ready

    server.files[f"/{NAME}"] = trained
    model = YOLO("yolo11n-seg.yaml")
    with pytest.raises(Ready):
        model.train(trainer=Starter, data="x.yaml", pretrained=NAME)
    _, weights = model.trainer.model_source
    expected = torch.load(place / "weights" / NAME, weights_only=True)["model"]
    assert all(torch.equal(weights.state_dict()[name], value) for name, value in expected.items())


def yolo(*words: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
    )


def test_the_command_line_says_in_one_line_what_is_wrong(server, place, capsys):
    assert main(["predict", "model=yolov11n-seg.pt", "source=x.png"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("yolo: yolov11n-seg.pt: there is no such model file. Did you mean")
    assert len(said.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_leaves_a_part_that_the_same_command_goes_on_with(server, place, trained):
    server.files[f"/{NAME}"] = trained
    server.pause_s, server.block = 0.5, len(trained) // 20
    words = ("export", f"model={NAME}", "format=torchscript", "imgsz=64", "json=True")
    first = yolo(*words)
    part = place / "weights" / f"{NAME}.part"
    # No deadline: on a busy machine torch alone takes a minute to import.
    while not (part.exists() and part.stat().st_size):
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=300)
    assert first.returncode == 130
    assert f"are kept in {part}; the next call goes on from there." in said
    assert "Traceback" not in said
    server.pause_s = 0
    second = yolo(*words)
    out, said = second.communicate(timeout=300)
    assert second.returncode == 0, said
    assert json.loads(out.splitlines()[-1])["model"] == str(place / "weights" / NAME)
    assert f"from {server.url}/{NAME}, going on from" in said
    assert f"Saved {place / 'weights' / NAME}" in said
    assert (place / "weights" / NAME).read_bytes() == trained
