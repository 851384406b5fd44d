"""The session that is killed: ``python -m benchmarks.kill_session FOLDER SEED STEPS [--digests]``.

It opens the project in FOLDER, does STEPS things that the seed decides, and says the number of each when it
has been acknowledged. With ``--digests`` it says beside it what the whole database is by then.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.data.annotations import Box, Polygon
from studio.model.edits import (
    AddShapes,
    MergeClass,
    RemoveImages,
    RemoveShapes,
    ReplaceShapes,
    SetBackground,
    SetSplit,
)
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.records import Shape, new_shape
from studio.storage.archive_write import export_project
from studio.storage.backup import back_up
from studio.storage.dataset_import import import_dataset
from studio.storage.image_index import store_of
from studio.storage.project_files import open_project

# Steps of one kind in a hundred; the shares are a person's, but for the rare things that are rarer in life.
SHARES = {
    "draw": 36, "undo": 16, "redo": 8, "move": 8, "delete": 6, "merge": 5, "import": 5, "class": 5,
    "background": 3, "split": 2, "images": 1, "backup": 3, "file": 2,
}  # fmt: skip
SETS = 12  # data sets beside the project that can be imported, each once
# Times differ from run to run; view.* is where the person was.
_LEFT_OUT = {"time", "added", "modified", "created"}


class Hands:
    """Does the steps of a session, always the same ones for a seed.

    Args:
        project: The open project.
        seed: Decides what is done.
    """

    def __init__(self, project: Project, seed: int) -> None:
        self.project = project
        self.chance = random.Random(seed)
        self.imported = 0

    def step(self) -> str:
        """Do one thing, which is one transaction, and return its kind; it is acknowledged when this returns."""
        kind = self.chance.choices(list(SHARES), list(SHARES.values()))[0]
        with contextlib.suppress(EditError):  # what does not fit is refused, and changes nothing
            self._steps()[kind]()
        return kind

    def _steps(self) -> dict[str, Callable[[], object]]:
        return {
            "draw": self._draw,
            "undo": self.project.undo,
            "redo": self.project.redo,
            "move": self._move,
            "delete": self._delete,
            "merge": self._merge,
            "import": self._import,
            "class": lambda: self.project.add_class(f"class {self.chance.randrange(10**9)}"),
            "background": self._background,
            "split": self._split,
            "images": self._remove_image,
            "backup": lambda: back_up(self.project.folder),
            "file": self._save_as_file,
        }

    def _image(self) -> int:
        return self.chance.choice(self.project.image_ids())

    def _class(self) -> int:
        return self.chance.choice(self.project.classes()).id

    def _shapes(self) -> list[Shape]:
        """Return some shapes of the first image that has any, from a random one on."""
        ids = self.project.image_ids()
        at = self.chance.randrange(len(ids))
        for image_id in (*ids[at:], *ids[:at]):
            if shapes := self.project.shapes(image_id):
                return self.chance.sample(shapes, min(len(shapes), self.chance.randint(1, 3)))
        return []

    def _draw(self) -> None:
        image, chance = self._image(), self.chance
        if chance.random() < 0.3:
            x, y = chance.uniform(0, 30), chance.uniform(0, 20)
            geometry: Box | Polygon = Box(x, y, x + 9.0, y + 7.5)
        else:
            count = chance.randint(3, 400)
            points = ((chance.uniform(0, 64), chance.uniform(0, 48)) for _ in range(count))
            geometry = Polygon(tuple(points))
        self.project.apply(AddShapes((new_shape(image, self._class(), geometry),)))

    def _move(self) -> None:
        if shapes := self._shapes():
            box = Box(1.0, 1.0, 9.0, 9.0 + self.chance.random())
            moved = tuple(replace(shape, geometry=box) for shape in shapes)
            self.project.apply(ReplaceShapes(moved))

    def _delete(self) -> None:
        if shapes := self._shapes():
            self.project.apply(RemoveShapes(tuple(shapes)))

    def _merge(self) -> None:
        classes = self.project.classes()
        if len(classes) > 2:
            one, other = self.chance.sample(classes, 2)
            self.project.apply(MergeClass(one, other.id))

    def _import(self) -> None:
        if self.imported < SETS:
            folder = self.project.folder.parent / "sets" / str(self.imported)
            import_dataset(self.project, folder / "data.yaml", present="replace")
            self.imported += 1

    def _background(self) -> None:
        self.project.apply(SetBackground({self._image(): self.chance.random() < 0.5}))

    def _split(self) -> None:
        self.project.apply(SetSplit({self._image(): self.chance.choice(("train", "val", None))}))

    def _remove_image(self) -> None:
        if len(self.project.image_ids()) > 3:
            self.project.apply(RemoveImages((self._image(),)))

    def _save_as_file(self) -> None:
        export_project(self.project.folder, self.project.folder.parent / "whole.zip")


def digest(project: Project, history: bool = True) -> str:
    """Return a hash of everything in the database but times and the place where the person was.

    Args:
        project: The open project.
        history: Count the journal and how often images were changed: undoing and doing again adds
            to these two, and changes nothing else.
    """
    store, found = store_of(project), hashlib.sha256()
    tables = store.db.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for (table,) in tables:
        if table.startswith("sqlite_") or (table in ("journal", "history") and not history):
            continue
        columns = [row[1] for row in store.db.rows(f"PRAGMA table_info({table})")]
        left_out = _LEFT_OUT if history else _LEFT_OUT | {"revision"}
        kept = ", ".join(f'"{name}"' for name in columns if name not in left_out)
        where = "WHERE key NOT LIKE 'view.%' AND key <> 'created'" if table == "meta" else ""
        rows = store.db.rows(f"SELECT {kept} FROM {table} {where}")
        found.update(repr((table, sorted(map(repr, rows)))).encode())
    return found.hexdigest()


def main(arguments: list[str]) -> None:
    """Open the project and do the steps."""
    folder, seed, steps = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    say("opening")
    project = open_project(folder)
    hands = Hands(project, seed)
    tell = "--digests" in arguments
    say("0", digest(project) if tell else "")
    for number in range(1, steps + 1):
        kind = hands.step()
        say(str(number), kind, digest(project) if tell else "")
    project.close()
    say("closed")


def say(*words: str) -> None:
    """Acknowledge: from here on it must be there whatever happens."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
