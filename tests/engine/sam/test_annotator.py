"""Labels for folders: from a detector, from boxes, after a kill, on a full disk."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import engine.models.sam.annotator as annotator
from engine.data.annotator import auto_annotate
from engine.data.converter import yolo_bbox2segment
from engine.data.images import write_image
from engine.data.labels.parse import parse_label_text
from engine.models.sam.annotator import label_lines, read_boxes
from engine.models.sam.batch import Annotated, Found, annotate
from engine.models.sam.classic import ClassicSegmenter
from engine.models.sam.segmenter import Candidates, Embedding
from engine.models.yolo.model import YOLO
from engine.ops.raster import polygon2mask
from engine.runtime.errors import DatasetError, ModelError
from tests.engine.sam.conftest import disc

BOXES = ("0 0.3125 0.5 0.39 0.52", "1 0.742 0.4167 0.28 0.375")


@pytest.fixture
def folder(tmp_path: Path, discs: np.ndarray) -> Path:
    """Five pictures of the two discs, with boxes as labels."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for name in "abcde":
        write_image(tmp_path / "images" / f"{name}.png", discs[..., ::-1])
        (tmp_path / "labels" / f"{name}.txt").write_text("\n".join(BOXES) + "\n")
    return tmp_path


class Killed(RuntimeError):
    pass


def kill_after(count: int) -> Callable[..., bool]:
    def check(pace: object) -> bool:
        if pace.images == count:  # type: ignore[attr-defined]
            raise Killed
        return True

    return check


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


class TestBoxes:
    def test_boxes_become_outlines(self, folder: Path) -> None:
        pace = yolo_bbox2segment(folder / "images", sam_model="classic")
        assert pace is not None
        assert (pace.images, pace.objects) == (5, 10)
        text = (folder / "labels-segment" / "a.txt").read_text()
        rows = [np.array(line.split(), float) for line in text.splitlines()]
        assert [int(row[0]) for row in rows] == [0, 1]
        for row, wanted in zip(rows, (disc(40, 48, 20), disc(95, 40, 14)), strict=True):
            points = row[1:].reshape(-1, 2) * (128, 96)
            assert overlap(polygon2mask((96, 128), [points]) > 0, wanted) > 0.9
        assert (folder / "labels" / "a.txt").read_text().splitlines() == list(BOXES)
        assert sorted(f.name for f in (folder / "labels-segment").iterdir()) == [
            f"{n}.txt" for n in "abcde"
        ]

    def test_the_labels_can_be_read_again(self, folder: Path) -> None:
        yolo_bbox2segment(folder / "images", folder / "new", "classic")
        rows, problems = parse_label_text((folder / "new" / "b.txt").read_text(), 2)
        assert len(rows) == 2
        assert not problems

    def test_outlines_are_left_alone(self, folder: Path) -> None:
        for name in "abcde":
            (folder / "labels" / f"{name}.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n")
        assert yolo_bbox2segment(folder / "images", sam_model="classic") is None
        assert not (folder / "labels-segment").exists()

    def test_pictures_without_labels(self, folder: Path) -> None:
        for label in (folder / "labels").iterdir():
            label.unlink()
        with pytest.raises(DatasetError, match=r"expected at .*a\.txt"):
            yolo_bbox2segment(folder / "images", sam_model="classic")

    def test_a_damaged_line_is_named(self, folder: Path) -> None:
        (folder / "labels" / "c.txt").write_text("0 0.5 0.5 0.1 0.1\n0 0.5 x\n")
        with pytest.raises(DatasetError, match=r"c\.txt, line 2"):
            yolo_bbox2segment(folder / "images", sam_model="classic")

    def test_boxes_of_a_file(self, tmp_path: Path) -> None:
        label = tmp_path / "a.txt"
        label.write_text("3 0.5 0.5 0.5 2.0\n\n2 0.1 0.1 0.3 0.1 0.3 0.6\n1 0.5 0.5 0 0.1\n")
        found = read_boxes(label, (100, 200))
        assert found.boxes.round(3).tolist() == [[50, 0, 150, 100], [20, 10, 60, 60]]
        assert found.classes.tolist() == [3, 2]


class TestResume:
    def test_a_killed_run_goes_on_and_nothing_is_done_twice(self, folder: Path) -> None:
        with pytest.raises(Killed):
            yolo_bbox2segment(folder / "images", sam_model="classic", go_on=kill_after(3))
        out = folder / "labels-segment"
        done = sorted(f.stem for f in out.glob("*.txt"))
        assert 1 <= len(done) <= 4
        times = {f: f.stat().st_mtime_ns for f in out.glob("*.txt")}
        pace = yolo_bbox2segment(folder / "images", sam_model="classic")
        assert pace is not None
        assert pace.images == 5 - len(done)
        assert sorted(f.stem for f in out.glob("*.txt")) == list("abcde")
        assert {f: f.stat().st_mtime_ns for f in times} == times
        assert not list(out.glob(".*"))

    def test_a_line_cut_off_does_not_count(self, folder: Path) -> None:
        with pytest.raises(Killed):
            yolo_bbox2segment(folder / "images", sam_model="classic", go_on=kill_after(3))
        journal = folder / "labels-segment" / ".annotating.jsonl"
        text = journal.read_text().rstrip("\n")
        before = text.count('"done"')
        journal.write_text(text[:-5])
        pace = yolo_bbox2segment(folder / "images", sam_model="classic")
        assert pace is not None
        assert pace.images == 5 - before + 1

    def test_other_arguments_begin_anew(self, folder: Path, small_weights: Path) -> None:
        with pytest.raises(Killed):
            yolo_bbox2segment(folder / "images", sam_model="classic", go_on=kill_after(3))
        pace = yolo_bbox2segment(folder / "images", sam_model=small_weights)
        assert pace is not None
        assert pace.images == 5

    def test_a_picture_that_changed_is_done_again(self, folder: Path, discs: np.ndarray) -> None:
        with pytest.raises(Killed):
            yolo_bbox2segment(folder / "images", sam_model="classic", go_on=kill_after(4))
        done = len(list((folder / "labels-segment").glob("*.txt")))
        write_image(folder / "images" / "a.png", discs[::-1, :, ::-1])
        pace = yolo_bbox2segment(folder / "images", sam_model="classic")
        assert pace is not None
        assert pace.images == 5 - done + 1

    def test_ending_is_not_killing(self, folder: Path) -> None:
        pace = yolo_bbox2segment(
            folder / "images", sam_model="classic", go_on=lambda p: p.images < 2
        )
        assert pace is not None
        assert pace.images == 2
        lines = (folder / "labels-segment" / ".annotating.jsonl").read_text().splitlines()
        assert sum("done" in json.loads(line) for line in lines) == 2


class TestDetector:
    @pytest.fixture(scope="class")
    @staticmethod
    def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
        return YOLO("yolo11n.yaml").save(tmp_path_factory.mktemp("detector") / "d.pt")

    def test_detections_become_labels(
        self, folder: Path, detector: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: dict = {"imgsz": 64, "conf": 1e-6, "max_det": 3, "iou": 0.9}
        pace = auto_annotate(folder / "images", detector, "classic", "cpu", **given)
        assert pace.images == 5
        out = folder / "images_auto_annotate_labels"
        if pace.objects:
            assert len(list(out.glob("*.txt"))) == 5
            assert all(len(f.read_text().splitlines()) <= 3 for f in out.glob("*.txt"))
        assert 0 < pace.network_share <= 1
        assert pace.images_per_second > 0

    def test_pictures_without_objects_have_no_label(self, folder: Path, detector: Path) -> None:
        auto_annotate(
            folder / "images", detector, "classic", conf=1, imgsz=32, output_dir=folder / "out"
        )
        assert not list((folder / "out").iterdir())

    def test_a_damaged_picture_is_left_out(self, folder: Path, detector: Path) -> None:
        (folder / "images" / "b.png").write_bytes(b"\x89PNG nothing")
        pace = auto_annotate(folder / "images", detector, "classic", conf=0.9, imgsz=32)
        assert [path.name for path in pace.failed] == ["b.png"]
        assert pace.images == 4

    def test_a_classifier_finds_no_boxes(self, folder: Path, tmp_path: Path) -> None:
        path = YOLO("yolo11n-cls.yaml").save(tmp_path / "c.pt")
        with pytest.raises(ModelError, match="finds boxes"):
            auto_annotate(folder / "images", path, "classic")

    def test_a_folder_without_pictures(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="no pictures"):
            auto_annotate(tmp_path, "yolo11n.yaml", "classic")
        with pytest.raises(DatasetError, match="does not exist"):
            auto_annotate(tmp_path / "x", "yolo11n.yaml", "classic")

    def test_two_pictures_of_one_name(self, folder: Path, discs: np.ndarray) -> None:
        (folder / "images" / "sub").mkdir()
        write_image(folder / "images" / "sub" / "a.png", discs)
        (folder / "labels" / "sub").mkdir()
        (folder / "labels" / "sub" / "a.txt").write_text(BOXES[0])
        with pytest.raises(DatasetError, match=r"both write a\.txt"):
            yolo_bbox2segment(folder / "images", sam_model="classic")


def test_a_full_disk_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(annotator, "write_atomic", full)
    with pytest.raises(DatasetError, match=r"No space left.*goes on where it stopped"):
        yolo_bbox2segment(folder / "images", sam_model="classic")


def test_an_empty_mask_becomes_its_box() -> None:
    found = Found(np.array([[10.0, 20, 30, 40]]), np.array([2]), np.ones(1))
    result = Annotated(Path("a.png"), (100, 100), found, [[]], np.zeros(1))
    assert label_lines(result) == ["2 0.1 0.2 0.3 0.2 0.3 0.4 0.1 0.4"]


def test_pictures_come_in_order_while_others_are_read(folder: Path) -> None:
    seen: list[str] = []
    paths = sorted((folder / "images").iterdir())

    annotate(paths, one_box, ClassicSegmenter(), lambda result: seen.append(result.path.name))
    assert seen == [path.name for path in paths]


class Watched(ClassicSegmenter):
    """Notes what is done when, and keeps the first picture's masks back until something has happened."""

    def __init__(self, shares: bool, until: str = "") -> None:
        super().__init__()
        self.shares, self.noted, self._until = shares, [], until
        self._came = threading.Event()

    def embed(self, image: np.ndarray) -> Embedding:
        self._note(f"look {sum(note.startswith('look') for note in self.noted)}")
        return super().embed(image)

    def segment(self, *given: object) -> list[Candidates]:
        number = sum(note.startswith("mask") for note in self.noted)
        if self._until and number == 0:
            assert self._came.wait(20), f"{self._until!r} did not happen beside it: {self.noted}"
        self._note(f"mask {number}")
        return super().segment(*given)

    def _note(self, what: str) -> None:
        self.noted.append(what)
        if what == self._until:
            self._came.set()


def one_box(_path: Path, _image: np.ndarray) -> Found:
    return Found(np.array([[20.0, 28, 60, 68]]), np.zeros(1, int), np.ones(1))


def test_masks_are_decoded_while_the_next_picture_is_looked_at(folder: Path) -> None:
    seen: list[str] = []
    paths, segmenter = sorted((folder / "images").iterdir()), Watched(True, until="look 1")
    pace = annotate(paths, one_box, segmenter, lambda result: seen.append(result.path.name))
    assert seen == [path.name for path in paths]
    assert pace.images == pace.objects == len(paths) > 1
    assert segmenter.noted.index("look 1") < segmenter.noted.index("mask 0")


def test_who_has_one_picture_in_mind_is_asked_before_the_next(folder: Path) -> None:
    paths, segmenter = sorted((folder / "images").iterdir()), Watched(False)
    annotate(paths, one_box, segmenter, lambda _: None)
    steps = [f"{word} {n}" for n in range(len(paths)) for word in ("look", "mask")]
    assert segmenter.noted == steps


@pytest.mark.parametrize("shares", [True, False])
def test_masks_that_cannot_be_decoded_end_the_batch(folder: Path, shares: bool) -> None:
    class Broken(ClassicSegmenter):
        def segment(self, *_: object) -> list[Candidates]:
            raise ModelError("no masks today")

    segmenter, done = Broken(), []
    segmenter.shares = shares
    with pytest.raises(ModelError, match="no masks today"):
        annotate(sorted((folder / "images").iterdir()), one_box, segmenter, done.append)
    assert not done
