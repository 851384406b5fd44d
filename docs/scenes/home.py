"""What the scenes are played on: a home folder with the sample, a training of it, and files from elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

SAMPLE = Path("Maskwright") / "sample"
WORDS_MODEL = "yoloe-11n-seg.pt"
VIDEO = Path("belt.avi")
LETTER = SAMPLE / "images" / "unlabelled" / "from a colleague.json"
# Of seconds: enough for curves, crops and suggestions to be drawn, not for a good model
_SHORT: Mapping[str, Any] = {
    "model": "yolo11n-seg.yaml", "pretrained": False, "epochs": 8, "imgsz": 96, "batch": 4, "fraction": 0.3,
    "workers": 0, "device": "cpu", "lr0": 0.003, "close_mosaic": 2,
}  # fmt: skip
_LIVE: Mapping[str, Any] = {
    "epochs": 60, "imgsz": 96, "batch": 4, "fraction": 0.2, "workers": 0, "device": "cpu", "lr0": 0.002,
}  # fmt: skip
_WORDS: Mapping[str, Any] = {
    "imgsz": 160, "batch": 4, "lr0": 0.002, "workers": 0, "device": "cpu", "plots": False, "val": False, "verbose": False,
    "close_mosaic": 2,
}  # fmt: skip
# Of the video: what the belt carries, its size, pixels a frame
BELT_SEED, BELT_SIZE = (0, 903), (960, 360)
_BELT_STEP = 4
_ALIKE = ("parts_0003.jpg", "parts_0011.jpg", "parts_0042.jpg")
_PLAIN = (143, 144, 147, 148)  # on the canvas of many scenes: without grain they make small files
_TEXTS = {".json", ".jsonl", ".yaml", ".txt"}  # files of a run that name folders


class Home:
    """A folder that stands for somebody's home.

    Args:
        folder: Made where missing; a sample that was trained there is used again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sample = folder / SAMPLE
        self.live: Path | None = None
        self.trained: Path | None = None

    @property
    def project(self) -> Path:
        """The sample's project folder."""
        from studio.storage.project_files import project_folder_for

        return project_folder_for(self.sample)

    def prepare(self, well: bool) -> None:
        """Draw the sample, unless it is there, and start a training.

        Args:
            well: Train for some minutes first, unless that was done.
        """
        if not self.sample.exists():
            from studio.app.sample import make_sample

            make_sample(self.sample, lambda _done, _total, _text: None)
            self._add_alike()
        if not (self.folder / LETTER).exists():
            _write_letter(self.folder / LETTER)
        if not (self.folder / VIDEO).exists():
            _write_video(self.folder / VIDEO)
        finished = [best.parents[1] for best in self.project.glob("runs/*/weights/best.pt")]
        if not finished and well:
            from studio.commands.demo_loop import TRAINING

            finished = [_ended(_start(self.project, TRAINING))]
        if finished:
            self.trained = finished[0]
            best = str(self.trained / "weights" / "best.pt")
            self._teach(best)
            self.live = _start(self.project, {**_LIVE, "model": best})
        else:
            self._teach(None)
            self.live = self.trained = _start(self.project, _SHORT)

    def copy_to(self, folder: Path) -> None:
        """Make another home of this one: a project is open in one window at a time."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(
            self.sample,
            folder / SAMPLE,
            symlinks=True,
            ignore=shutil.ignore_patterns("runs", "*.lock", "*-wal", "*-shm"),
            copy_function=_link_or_copy,  # type: ignore[arg-type]
        )
        for name in (VIDEO, WORDS_MODEL):
            shutil.copy2(self.folder / name, folder / name)
        _move_sources(folder / self.project.relative_to(self.folder), self.folder, folder)
        for number in _PLAIN:
            _without_grain(next((folder / SAMPLE).glob(f"images/*/parts_{number:04d}.jpg")))

    def end(self) -> None:
        """Stop the training that was only looked at, and forget it."""
        if self.live is None or self.live == self.trained:
            return
        from studio.model.runs import send_command

        send_command(self.live, "stop")
        shutil.rmtree(_ended(self.live))

    def _teach(self, trained: str | None) -> None:
        """Make a model that is told what to look for, unless it is there."""
        file = self.folder / WORDS_MODEL
        if not file.exists():
            _teach_words_model(file, self.sample / "data.yaml", trained)

    def _add_alike(self) -> None:
        """Add pictures that are nearly those of the sample, for the search for duplicates."""
        from studio.storage.image_index import add_folder
        from studio.storage.project_files import open_project

        folder = self.sample / "images" / "sent again"
        folder.mkdir()
        for name in _ALIKE:
            with Image.open(next(self.sample.glob(f"images/*/{name}"))) as picture:
                picture.save(folder / f"copy of {name}", quality=70)
        with open_project(self.project) as project:
            for _step in add_folder(project, folder):
                pass


def take_run(run: Path, own_home: Path, runs_dir: Path) -> Path:
    """Wait for a training and copy what it left, with the folders of another home."""
    _ended(run)
    target = runs_dir / run.name
    shutil.copytree(run, target)
    before = str(_home_of(run))
    for file in target.rglob("*"):
        if file.suffix in _TEXTS:
            file.write_text(file.read_text().replace(before, str(own_home)))
    return target


def _teach_words_model(file: Path, data: Path, trained: str | None) -> None:
    """Train a network that is told in words or by examples what to look for, on the sample; it begins with a trained one."""
    from engine import YOLOE
    from engine.models.yolo.yoloe import YOLOESegTrainer, YOLOESegVPTrainer

    model = YOLOE(f"{file.stem}.yaml")
    if trained is not None:
        model.load(trained)
    epochs, part = ((1, 2), 0.2) if trained is None else ((10, 5), 1.0)
    with tempfile.TemporaryDirectory() as folder:
        for kind, count in zip((YOLOESegTrainer, YOLOESegVPTrainer), epochs, strict=True):
            model.text_encoder = "sample:phrases"  # the encoder that is shipped
            how = {**_WORDS, "data": str(data), "project": folder, "fraction": part}
            model.train(kind, epochs=count, **how)
            best = model.trainer.best
            model = YOLOE(best)
        shutil.copy2(best, file)


def _write_video(file: Path) -> None:
    """Write parts that a belt carries from right to left, as a camera above it sees them."""
    import cv2

    from engine.data.synthetic.scene import draw_scene

    belt = draw_scene(BELT_SEED, BELT_SIZE).image
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 12, (480, 360))
    for start in range(0, BELT_SIZE[0] - 480, _BELT_STEP):
        writer.write(belt[:, start : start + 480])
    writer.release()


def _start(project: Path, arguments: Mapping[str, Any]) -> Path:
    from studio.jobs.preparation import train_project

    return train_project(project, "segment", arguments)


def _ended(run: Path) -> Path:
    from studio.model.runs import RunReader

    reader = RunReader(run)
    while reader.poll()[0].state.is_alive:
        time.sleep(0.2)
    return run


def _home_of(run: Path) -> Path:
    return next(folder.parents[1] for folder in run.parents if folder.parts[-2:] == SAMPLE.parts)


def _move_sources(project: Path, before: Path, after: Path) -> None:
    """Let a copied project look for its images beside itself."""
    from studio.storage.project_files import DATABASE

    with closing(sqlite3.connect(project / DATABASE)) as database, database:
        database.execute(
            "UPDATE sources SET path = replace(path, ?, ?)", (f"{before}/", f"{after}/")
        )


def _link_or_copy(source: str, target: str) -> None:
    """Pictures are never written: a second name will do."""
    if source.endswith(".jpg"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _without_grain(file: Path) -> None:
    """Smooth a picture's surfaces and keep its edges."""
    import cv2

    from engine.data.images import read_image, write_image

    picture = read_image(file)
    for _ in range(3):
        picture = cv2.bilateralFilter(picture, 9, 24, 7)
    file.unlink()  # another name of the sample's own
    write_image(file, picture)


def _write_letter(file: Path) -> None:
    """Write COCO's JSON as another program might: some names unlike the project's, one line that is wrong."""
    from engine.data.synthetic.scene import draw_scene

    names = ("nut", "Bolt", "washer", "gear wheel")
    images: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    for number in range(126, 138):
        images.append(
            {"id": number, "file_name": f"parts_{number:04d}.jpg", "width": 480, "height": 360}
        )
        for label in draw_scene((0, number), (480, 360)).annotations:
            x1, y1, x2, y2 = label.geometry.bounds()
            ring = [round(v, 1) for p in label.geometry.exterior for v in p]  # type: ignore[union-attr]
            shapes.append(
                {
                    "id": len(shapes) + 1, "image_id": number, "category_id": (label.class_id or 0) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1], "segmentation": [ring],
                }
            )  # fmt: skip
    shapes.append({"id": 0, "image_id": 126, "category_id": 2, "bbox": [10, 20, float("nan"), 9]})
    kinds = [{"id": place + 1, "name": name} for place, name in enumerate(names)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"images": images, "annotations": shapes, "categories": kinds}))
