"""Walks through the whole window in a made-up language and prints what it shows in English, as JSON.

Run by ``test_whole_window.py`` in a process of its own: tables of texts are made when modules are imported, so the
language has to be there before them. What belongs to the data (names of classes, files, folders) begins with Q7.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from made_up import Bracketed  # noqa: E402

from studio.language.catalogue import use  # noqa: E402

use(Bracketed())

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PySide6.QtCore import QPoint, Qt  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication, QTabWidget, QWidget  # noqa: E402
from visible_texts import all_texts, foreign_words  # noqa: E402
from words_of_data import ALLOWED, WHOLE  # noqa: E402

from engine.data.annotations import Box, Keypoints, OrientedBox, Polygon, Tag  # noqa: E402
from engine.runtime.errors import EngineError  # noqa: E402
from studio.actions.table import ACTIONS  # noqa: E402
from studio.app.launch import build_application, settle  # noqa: E402
from studio.app.studio import Studio  # noqa: E402
from studio.main_window.window import PAGES  # noqa: E402
from studio.model.attribute_def import AttributeDef  # noqa: E402
from studio.model.edits import AddShapes, ChangeClass  # noqa: E402
from studio.model.records import new_shape  # noqa: E402
from studio.storage.image_index import add_folder  # noqa: E402
from studio.storage.project_files import create_project  # noqa: E402

# Actions that end the walk, wait for a person or only repeat what another does
_LEFT_OUT = ("file.open", "file.add", "file.import", "file.quit", "file.close", "file.reopen", "suggest.run", "view.theme",
             "edit.remove_image", "page.show", "tool.use", "class.choose", "smart.", "sam.")  # fmt: skip


class Walk:
    """A window, and the English words that it was found to show."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.application = build_application()
        self.studio = Studio(self.application)
        self.studio.window.show()
        self.found: dict[str, str] = {}
        self.seen: set[str] = set()

    def look(self, where: str, patience: bool = False) -> None:
        """Note every word that did not come through the catalogue; with ``patience`` of hidden widgets too."""
        QApplication.processEvents()
        if patience:
            settle(self.studio, 100)
        for place, text in all_texts(shown_only=not patience):
            self.seen.add(text)
            words = [w for w in foreign_words(text) if not w.startswith("Q") and w not in ALLOWED]
            if words and "Q7" not in text and text not in WHOLE and not is_value(place):
                self.found.setdefault(text, f"{where}: {place}: {', '.join(words)}")

    def open(self) -> None:
        """Make a project with shapes of every kind and open it."""
        photos = self.folder / "Q7photos"
        photos.mkdir()
        for number in range(4):
            pixels = np.random.default_rng(number // 2).integers(0, 255, (48, 64, 3), np.uint8)
            cv2.imwrite(str(photos / f"Q7{number}.png"), pixels)
        with create_project(self.folder / "Q7project", "Q7project") as project:
            for _ in add_folder(project, photos):
                pass
            bolt, nut = project.add_class("Q7bolt"), project.add_class("Q7nut")
            images = project.image_ids()
            outlines = (
                Polygon(((2, 2), (30, 2), (30, 30))),
                Box(5, 5, 20, 20),
                OrientedBox(30, 20, 10, 8, 0.3),
                Keypoints(((3, 3), (9, 9)), (2, 1)),
            )
            shapes = [new_shape(images[0], bolt.id, outline) for outline in outlines]
            shapes += [
                new_shape(images[1], nut.id, Box(1, 1, 40, 40)),
                new_shape(images[1], nut.id, Tag()),
            ]
            project.apply(AddShapes(tuple(shapes)))
            write_run(project.runs_dir / "Q7run")
        self.studio.files.open_paths([self.folder / "Q7project"])
        deadline = time.monotonic() + 30
        while self.studio.session is None and time.monotonic() < deadline:
            QApplication.processEvents()
        settle(self.studio, 100)

    def pages(self, where: str) -> None:
        """Go to every page, and to every tab on it."""
        for name in PAGES:
            self.studio.show_page(name)
            self.look(f"{where}, {name}", patience=True)
            for tabs in self.studio.window.page(name).findChildren(QTabWidget):
                for number in range(tabs.count()):
                    tabs.setCurrentIndex(number)
                    self.look(f"{where}, {name}, tab {number}", patience=True)

    def tools(self) -> None:
        """Take every tool and click with it."""
        session = self.studio.session
        assert session is not None
        self.studio.show_page("annotate")
        for spec in ACTIONS:
            if spec.id.startswith("tool.use:"):
                self.studio.actions[spec.id].trigger()
                middle = session.canvas.rect().center()
                QTest.mouseClick(session.canvas, Qt.MouseButton.LeftButton, pos=middle)
                QTest.mouseMove(session.canvas, middle + QPoint(9, 9))
                self.look(spec.id)
                QTest.keyClick(session.canvas, Qt.Key.Key_Return)
                self.look(spec.id)
                QTest.keyClick(session.canvas, Qt.Key.Key_Escape)

    def actions(self) -> None:
        """Call every action that neither asks for a file nor ends the walk, with one shape selected and with all."""
        session = self.studio.session
        assert session is not None
        for only_one in (True, False):
            for spec in ACTIONS:
                if spec.id.startswith(_LEFT_OUT):
                    continue
                if session.workspace.image_id is not None:
                    ids = [s.id for s in session.project.shapes(session.workspace.image_id)]
                    session.workspace.select(ids[:1] if only_one else ids)
                if spec.needs and not self.studio.actions[spec.id].isEnabled():
                    continue
                self.studio.actions[spec.id].trigger()
                self.look(spec.id)
                self.close_dialogs(spec.id)

    def classes(self) -> None:
        """Open what there is about a class."""
        session = self.studio.session
        assert session is not None
        panel = session.annotate.classes
        cls = session.project.classes()[0]
        kinds = ("text", "number", "flag")
        attributes = tuple(AttributeDef(f"Q7{kind}", kind) for kind in kinds)
        session.project.apply(ChangeClass(replace(cls, attributes=attributes)))
        cls = session.project.classes()[0]
        panel.menu_of(cls).popup(QPoint(5, 5))
        self.look("menu of a class")
        panel.edit(cls).show()
        panel.remove(cls)
        self.look("class", patience=True)
        self.close_dialogs("class")

    def close_dialogs(self, where: str) -> None:
        """Close whatever was opened beside the window."""
        for widget in QApplication.topLevelWidgets():
            if widget is not self.studio.window and widget.isVisible() and widget.isWindow():
                widget.close()
        popup = QApplication.activePopupWidget()
        if isinstance(popup, QWidget):
            popup.close()


def is_value(place: str) -> bool:
    """Tell whether a text is what a person may type, which is theirs."""
    return place.endswith("Editor.text") or place == "QLineEdit.text"


def write_run(folder: Path) -> None:
    """Write what a short training leaves behind."""
    (folder / "weights").mkdir(parents=True)
    figures = {
        f"metrics/{n}({k})": 0.4 for n in ("mAP50", "mAP50-95", "precision", "recall") for k in "BM"
    }
    rows = [
        {"event": "on_pretrain_routine_start", "task": "segment", "epochs": 2, "pid": 1},
        {"event": "on_train_start", "epochs": 2, "start_epoch": 1, "batches": 1},
        {"event": "on_train_batch_end", "epoch": 1, "batch": 1, "batches": 1,
         "losses": {"box_loss": 1.0, "seg_loss": 1.0}, "images_per_second": 9.0, "memory_mib": 90.0},
        {"event": "on_fit_epoch_end", "epoch": 1, "losses": {"train/box_loss": 1.0}, "metrics": figures,
         "val_losses": {"val/box_loss": 2.0}, "lr": {"lr/pg0": 0.01}, "fitness": 0.4, "best_fitness": 0.4, "best_epoch": 1,
         "images_per_second": 9.0, "memory_mib": 90.0, "eta_s": 1.0},
        {"event": "on_train_end", "reason": "early_stopping"},
    ]  # fmt: skip
    now = time.time() - 60
    lines = (json.dumps({"time": now + n, **row}) for n, row in enumerate(rows))
    (folder / "events.jsonl").write_text("\n".join(lines) + "\n")
    process = {
        "time": now,
        "created": now,
        "version": "1-00000000",
        "task": "segment",
        "pid": 2**22 + 7,
    }
    (folder / "process.json").write_text(json.dumps(process))
    (folder / "exit.json").write_text(json.dumps({"code": 0}))
    (folder / "args.yaml").write_text("task: segment\nmodel: yolo11n-seg.yaml\nimgsz: 64\n")
    (folder / "weights" / "best.pt").write_bytes(b"x" * 1000)
    (folder / "validation.json").write_text(json.dumps(validation()))


def validation() -> dict[str, object]:
    """Return the record of a validation of one image."""
    figures = {"precision": 0.5, "recall": 0.5, "ap50": 0.5, "ap": 0.25}
    box = {"class_id": 0, "box": [2, 2, 30, 30], "polygon": None, "matched": True}
    names = {0: "Q7bolt", 1: "Q7nut"}
    rows = [
        {"class_id": n, "name": name, "images": 1, "instances": 1, "box": figures, "mask": None}
        for n, name in names.items()
    ]
    return {
        "names": names,
        "metrics": {"metrics/mAP50(B)": 0.5, "metrics/mAP50-95(B)": 0.4, "fitness": None},
        "per_class": rows,
        "curves": {"box": {"recall": [0, 1], "precision": {"0": [1, 0], "1": [0.5, 0.5]}}, "mask": None},
        "confusion": {"labels": [*names.values(), "background"], "matrix": [[1, 0, 1], [0, 0, 0], [0, 1, 0]]},
        "images": [
            {
                "file": "Q70.png", "width": 64, "height": 48,
                "predictions": [{**box, "score": 0.9}],
                "ground_truth": [box, {**box, "class_id": 1, "matched": False}],
            }
        ],
        "speed_ms": {"inference": 3.0},
        "weights": "best.pt",
    }  # fmt: skip


def main(folder: Path) -> None:
    """Walk, and print what was found."""
    walk = Walk(folder)
    walk.pages("start")
    walk.open()
    assert walk.studio.session is not None
    walk.pages("project")
    walk.tools()
    walk.classes()
    walk.actions()
    walk.studio.show_error(EngineError("Q7", remedy="Q7"))
    walk.look("end", patience=True)
    told = {"texts": len(walk.seen), "found": walk.found}
    sys.stdout.write("\n" + json.dumps(told, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    walk.studio.window.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
