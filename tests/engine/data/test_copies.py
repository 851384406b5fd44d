from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.data.build import build_yolo_dataset
from engine.data.copies import file_digests, find_duplicates, find_leaks, leaks_between
from engine.data.labels.verify import verify_images
from engine.data.yaml_file import read_data_yaml


@pytest.fixture
def copied(tmp_path, parts_dataset, monkeypatch):
    """A data set with one training picture twice and two validation pictures that are training pictures."""
    monkeypatch.setenv("MASKWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "copied"
    shutil.copytree(parts_dataset.parent, folder)
    train = sorted((folder / "images/train").iterdir())
    for source, target in (
        (train[0], "train/zz_again"),
        (train[1], "val/zz_leak"),
        (train[0], "val/zz_leak2"),
    ):
        shutil.copy(source, folder / "images" / f"{target}{source.suffix}")
    return read_data_yaml(folder / "data.yaml"), train


def split(data, name):
    args = SimpleNamespace(imgsz=64, task="segment", seed=0, cache=False)
    return build_yolo_dataset(args, data[name], 4, data, mode=name)


def test_copies_are_found_by_content_at_every_opening(copied):
    data, train = copied
    for _ in range(2):  # the second time from the label cache
        learnt, measured = split(data, "train"), split(data, "val")
        notes = [p for p in learnt.problems if "copy of" in p.reason]
        assert len(notes) == 1
        assert notes[0].file.stem == "zz_again"
        assert notes[0].kind == "note"
        assert f"= {train[0].name}" in notes[0].reason
        leaks = leaks_between(learnt, measured)
        assert [f.stem for f in leaks.files] == ["zz_leak", "zz_leak2"]
        assert f"2 validation images are also trained on, out of {len(measured)}" in leaks.message
        assert f"zz_leak{train[1].suffix} = {train[1].name}" in leaks.message


def test_data_sets_that_know_no_digests_are_compared_too(copied):
    data, _ = copied
    learnt, measured = split(data, "train"), split(data, "val")
    bare = [SimpleNamespace(im_files=d.im_files) for d in (learnt, measured)]
    assert leaks_between(*bare) == leaks_between(learnt, measured)
    assert leaks_between(bare[0], SimpleNamespace(im_files=[])) is None


def test_clean_splits_say_nothing(parts_dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    data = read_data_yaml(parts_dataset)
    learnt, measured = split(data, "train"), split(data, "val")
    assert leaks_between(learnt, measured) is None
    assert not any("cop" in p.reason for p in learnt.problems + measured.problems)


def test_many_copies_are_counted_and_a_few_named():
    digests = {Path(f"{i}.png"): b"same" for i in range(9)}
    found = find_duplicates(digests)
    assert found.message.startswith("8 images are copies")
    assert "and 5 more" in found.message
    assert find_duplicates({Path("a"): b"1", Path("b"): b"2"}) is None
    assert len(find_leaks(digests, digests).files) == 9
    assert find_leaks({}, digests) is None


def test_only_files_of_one_size_are_read(tmp_path):
    for name, text in (("a", "xx"), ("b", "yy"), ("c", "zzz"), ("d", "xx")):
        (tmp_path / name).write_text(text)
    found = file_digests([tmp_path / n for n in ("a", "b", "c", "d", "gone")])
    assert {f.name for f in found} == {"a", "b", "d"}
    assert found[tmp_path / "a"] == found[tmp_path / "d"] != found[tmp_path / "b"]


def test_damaged_pictures_have_no_digest(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"")
    assert [r.digest for r in verify_images([tmp_path / "a.png", tmp_path / "b.png"])] == [b"", b""]
