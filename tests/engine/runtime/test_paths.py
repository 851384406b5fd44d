from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from engine.runtime import paths


def test_config_dir_obeys_the_variables(monkeypatch, tmp_path):
    monkeypatch.delenv("MASKWRIGHT_CONFIG_DIR", raising=False)
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path / "yolo"))
    assert paths.config_dir() == tmp_path / "yolo"
    monkeypatch.setenv("MASKWRIGHT_CONFIG_DIR", str(tmp_path / "own"))
    assert paths.config_dir() == tmp_path / "own"
    assert paths.cache_dir() == tmp_path / "own" / "cache"
    monkeypatch.setenv("MASKWRIGHT_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert paths.cache_dir() == tmp_path / "elsewhere"
    assert paths.data_dir() == tmp_path / "own" / "data"
    monkeypatch.setenv("MASKWRIGHT_DATA_DIR", str(tmp_path / "kept"))
    assert paths.data_dir() == tmp_path / "kept"


def test_dirs_without_variables_are_the_users(monkeypatch):
    for name in (
        "MASKWRIGHT_CONFIG_DIR",
        "YOLO_CONFIG_DIR",
        "MASKWRIGHT_CACHE_DIR",
        "MASKWRIGHT_DATA_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    assert paths.config_dir().is_absolute()
    assert "maskwright" in str(paths.config_dir())
    assert len({paths.cache_dir(), paths.data_dir() / "weights", paths.config_dir()}) == 3
    assert paths.data_dir().is_absolute()


def test_increment_path_counts_folders_and_keeps_suffixes(tmp_path):
    run = tmp_path / "train"
    assert paths.increment_path(run) == run
    run.mkdir()
    assert paths.increment_path(run) == tmp_path / "train2"
    (tmp_path / "train2").mkdir()
    assert paths.increment_path(run, sep="-") == tmp_path / "train-2"
    assert paths.increment_path(run) == tmp_path / "train3"
    assert paths.increment_path(run, exist_ok=True) == run
    dotted = tmp_path / "run.v1"
    dotted.mkdir()
    assert paths.increment_path(dotted) == tmp_path / "run.v12"
    file = tmp_path / "best.onnx"
    file.touch()
    assert paths.increment_path(file) == tmp_path / "best2.onnx"


def test_increment_path_gives_each_thread_its_own_folder(tmp_path):
    got: list[Path] = []
    barrier = threading.Barrier(8)

    def claim() -> None:
        barrier.wait()
        got.append(paths.increment_path(tmp_path / "a" / "run", mkdir=True))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 8
    assert all(path.is_dir() for path in got)


def test_write_atomic_replaces_text_and_bytes(tmp_path):
    target = tmp_path / "new" / "a.txt"
    assert paths.write_atomic(target, "zażółć\n") == target
    assert target.read_bytes() == "zażółć\n".encode()
    paths.write_atomic(target, b"\x00\x01")
    assert target.read_bytes() == b"\x00\x01"
    assert [path.name for path in target.parent.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_write_atomic_keeps_permissions(tmp_path):
    target = tmp_path / "a.txt"
    paths.write_atomic(target, "1")
    assert stat.S_IMODE(target.stat().st_mode) & 0o400
    target.chmod(0o640)
    paths.write_atomic(target, "2")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_files_written_together_are_synced_once_at_the_end(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: synced.append("one"))
    monkeypatch.setattr(os, "sync", lambda: synced.append("all"), raising=False)
    with paths.synced_together():
        for name in "abc":
            paths.write_atomic(tmp_path / name, name)
        assert synced == []
    assert synced == ["all"]
    assert [(tmp_path / name).read_text() for name in "abc"] == list("abc")
    paths.write_atomic(tmp_path / "d", "d")
    assert synced == ["all", "one", "one"]  # the file, its folder


def test_what_fails_together_leaves_later_files_synced_by_themselves(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: synced.append("one"))
    with pytest.raises(OSError, match="given up"), paths.synced_together():
        raise OSError("given up")
    paths.write_atomic(tmp_path / "d", "d")
    assert synced == ["one", "one"]


def test_write_atomic_leaves_the_old_file_when_the_disk_fails(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        paths.write_atomic(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
