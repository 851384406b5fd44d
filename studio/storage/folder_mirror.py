"""Keeps the label files of a dataset that was opened in place in step with the project.

A file is written only if it still is what was read or written last. One that somebody else has
changed is reported and left alone until a person decides which of the two to keep. A file that
could not be written, or a process that died before it was, is made up for by the next
:meth:`FolderMirror.sync`.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from engine.data.labels.paths import label_path
from engine.data.yaml_file import read_data_yaml
from engine.runtime.errors import EngineError
from engine.runtime.log import LOGGER
from engine.runtime.paths import write_atomic
from studio.language import tr
from studio.model.edits import Batch, SetBackground
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.signal import Signal
from studio.storage.dataset_import import ImportReport, Progress, import_dataset, replace_labels
from studio.storage.image_index import store_of
from studio.storage.label_file import label_text, read_label_shapes
from studio.storage.label_swap import swap_in, take_away
from studio.storage.mirror_table import FileState, MirrorRow, MirrorTable, look_at, state_of
from studio.storage.project_files import absolute

_KEY = "mirror"
_CHANGED = tr("The file was changed outside.")
_BOTH = tr("The file was changed outside, and the image in the project as well.")


class FolderMirror:
    """Writes label files as the project changes, from when it is made until :meth:`stop`.

    Signals:
        conflict_found(image_id, reason): A file is left alone until :meth:`take_theirs` or
            :meth:`keep_ours`.
        failed(path, reason): A file could not be written; it is tried again later.

    Args:
        project: A project for which :func:`open_in_place` was called once.
    """

    def __init__(self, project: Project) -> None:
        self.conflict_found = Signal()
        self.failed = Signal()
        self._project = project
        self._store = store_of(project)
        self._table = MirrorTable(self._store)
        project.shapes_changed.connect(self._on_labels_changed)
        project.image_changed.connect(self._on_labels_changed)
        project.classes_changed.connect(self._on_classes_changed)

    @classmethod
    def of(cls, project: Project) -> FolderMirror | None:
        """Return the mirror of a project that was opened in place and can be written, else None."""
        if project.read_only or project.store.get(_KEY) is None:
            return None
        return cls(project)

    @property
    def yaml_file(self) -> Path:
        """The data.yaml of the dataset."""
        return Path(self._facts()["yaml"])

    def stop(self) -> None:
        """Write no more; what has changed since is written when the project is opened again."""
        self._project.shapes_changed.disconnect(self._on_labels_changed)
        self._project.image_changed.disconnect(self._on_labels_changed)
        self._project.classes_changed.disconnect(self._on_classes_changed)

    def leave(self) -> None:
        """Write no more, for good: the files stay as they are, as those of a plain import."""
        self.stop()
        with self._store.transaction():
            self._table.clear()
            self._store.put(_KEY, None)

    def sync(self, limit: int = 100) -> int:
        """Write up to ``limit`` files that are behind and return how many; 0: all are in step or in conflict."""
        written = 0
        for image_id in self._table.stale(limit):
            written += self._write(image_id)
        return written

    def check_outside(self, after: int = 0, limit: int = 500) -> int:
        """Look for files that somebody else has changed, a chunk at a time.

        Returns:
            The last image looked at, to go on from, or 0 at the end.
        """
        rows = self._table.rows(after, limit)
        for row in rows:
            try:
                now = look_at(row.label, row.state)
            except OSError as error:
                self.failed.emit(row.label, error.strerror or str(error))
                continue
            if now.digest != row.state.digest and not row.conflict:
                self._report(row, self._is_ours(row))
        return rows[-1].image_id if len(rows) == limit else 0

    def conflicts(self) -> list[MirrorRow]:
        """Return the files that wait for a decision."""
        return self._table.conflicts()

    def take_theirs(self, image_id: int) -> list[str]:
        """Put the labels of the file in the place of the project's, as an edit that can be undone.

        Returns:
            What was wrong with lines of the file, one sentence each.

        Raises:
            EditError: The image is not mirrored.
            OSError: The file cannot be read.
        """
        row, record = self._row(image_id), self._project.image(image_id)
        state = look_at(row.label)
        if state.digest:
            class_ids = dict(enumerate(self._facts()["classes"]))
            shapes, problems = read_label_shapes(row.label, record, class_ids)
        else:
            shapes, problems = [], []
        present = self._project.shapes(image_id)
        flag = {image_id: bool(state.digest) and not shapes}
        before = self._store.background_flags([image_id])
        with self._store.transaction():
            labels = replace_labels(self._store, present, shapes)
            edit = Batch((labels, SetBackground(flag, before)), tr("Load labels from file"))
            edit.apply(self._store)
            self._store.push_edit(edit.title(), edit.to_dict(), [image_id])
        revision = self._store.revisions([image_id])[image_id]
        with self._store.transaction():
            self._table.put(MirrorRow(image_id, row.label, state, revision))
        self._project.tell_of_shapes(image_id)
        self._project.history_changed.emit()
        return [str(problem) for problem in problems]

    def keep_ours(self, image_id: int) -> None:
        """Write the project's labels over a file that somebody else has changed."""
        row = self._row(image_id)
        with self._store.transaction():
            self._table.put(replace(row, state=look_at(row.label), revision=-1, conflict=""))
        self._write(image_id)

    def _on_labels_changed(self, image_id: int) -> None:
        row = self._table.row(image_id)
        if row is not None and self._store.revisions([image_id])[image_id] != row.revision:
            self._write(image_id)

    def _on_classes_changed(self) -> None:
        facts, classes = self._facts(), self._project.classes()
        ids, names = [cls.id for cls in classes], [cls.name for cls in classes]
        if (ids, names) == (facts["classes"], facts["names"]):
            return
        try:
            state = self._write_names(facts, names)
        except (OSError, EngineError) as error:
            self.failed.emit(self.yaml_file, str(error))
            return
        renumbered = ids[: len(facts["classes"])] != facts["classes"]
        with self._store.transaction():
            self._store.put(_KEY, {**facts, "classes": ids, "names": names, "digest": state.digest})
            if renumbered:
                self._table.mark_all_stale()

    def _write(self, image_id: int) -> bool:
        """Bring one file up to date; False where it is left alone."""
        row, record = self._row(image_id), self._project.image(image_id)
        index = {class_id: i for i, class_id in enumerate(self._facts()["classes"])}
        try:
            text = label_text(self._project, record, index)
            state = self._write_file(row, None if text is None else text.encode())
        except EditError as error:
            self._mark(row, str(error))
            return False
        except KeyError:  # a new class that could not be written into the data.yaml yet
            return False
        except OSError as error:
            LOGGER.warning("%s: the labels cannot be written (%s).", row.label, error)
            self.failed.emit(row.label, error.strerror or str(error))
            return False
        if state is None:
            self._report(row, ours=True)
            return False
        revision = self._store.revisions([image_id])[image_id]
        with self._store.transaction():
            self._table.put(MirrorRow(image_id, row.label, state, revision))
        return True

    def _write_file(self, row: MirrorRow, content: bytes | None) -> FileState | None:
        """Write (or, with None, remove) a label file; None where it is not what it was when last in step."""
        wanted = FileState() if content is None else state_of(content)
        now = look_at(row.label, row.state)
        if now.digest == wanted.digest:
            return now
        if now.digest != row.state.digest:
            return None
        present = row.label.read_bytes() if now.digest else None
        if present is not None and state_of(present).digest != now.digest:
            return None
        if content is None:
            is_done = present is None or take_away(row.label, present)
            return FileState() if is_done else None
        return look_at(row.label) if swap_in(row.label, content, present) else None

    def _write_names(self, facts: dict[str, Any], names: list[str]) -> FileState:
        """Write the class names into the data.yaml, other entries as they are; the first original is kept."""
        file = Path(facts["yaml"])
        content = file.read_bytes()
        if state_of(content).digest != facts["digest"]:
            raise EditError(
                _CHANGED,
                path=file,
                remedy=tr(
                    "Its class names were left alone; open the dataset in place again to read them."
                ),
            )
        original = self._project.folder / "original-data.yaml"
        if not original.exists():
            shutil.copyfile(file, original)
        values = yaml.safe_load(content.decode("utf-8-sig"))
        values["names"] = dict(enumerate(names))
        if "nc" in values:
            values["nc"] = len(names)
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
        write_atomic(file, text)
        return state_of(text.encode())

    def _is_ours(self, row: MirrorRow) -> bool:
        """Tell whether the image was changed in the project since its file was in step."""
        return self._store.revisions([row.image_id])[row.image_id] != row.revision

    def _report(self, row: MirrorRow, ours: bool) -> None:
        self._mark(row, _BOTH if ours else _CHANGED)

    def _mark(self, row: MirrorRow, reason: str) -> None:
        with self._store.transaction():
            self._table.put(replace(row, conflict=reason))
        self.conflict_found.emit(row.image_id, reason)

    def _row(self, image_id: int) -> MirrorRow:
        row = self._table.row(image_id)
        if row is None:
            raise EditError(
                tr("The labels of image {image_id} are not kept in a folder.").format(
                    image_id=image_id
                )
            )
        return row

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = self._store.get(_KEY)
        return facts


def open_in_place(
    project: Project, source: str | Path, progress: Progress | None = None
) -> tuple[FolderMirror, ImportReport]:
    """Import a YOLO dataset and from then on keep its label files in step with the project.

    Call it only where a person asked for it: this is the one way in which files outside of the
    project folder change.

    Raises:
        DatasetError: The dataset cannot be read.
        EditError: The project has classes or images of its own, so that the numbers in the files
            would not fit.
    """
    data = read_data_yaml(absolute(source))
    if project.classes() and [cls.name for cls in project.classes()] != [*data["names"].values()]:
        raise EditError(
            tr("The project has other classes than the dataset."),
            path=data["yaml_file"],
            remedy=tr("Open the dataset in a project of its own."),
        )
    report = import_dataset(project, data["yaml_file"], "yolo", progress=progress)
    store = store_of(project)
    revisions = store.revisions(report.image_ids)
    ours = {absolute(note.file) for note in report.notes if note.kind == "note"}
    rows = []
    for record in project.images(report.image_ids):
        label = label_path(record.path)
        state = look_at(label)
        # labels drawn since an earlier import are ahead of their file: the next sync writes them
        is_ahead = record.path in ours or (record.status == "labelled" and not state.digest)
        revision = -1 if is_ahead else revisions[record.id]
        rows.append(MirrorRow(record.id, label, state, revision))
    facts = {
        "yaml": str(data["yaml_file"]),
        "digest": look_at(data["yaml_file"]).digest,
        "classes": [cls.id for cls in project.classes()],
        "names": [cls.name for cls in project.classes()],
    }
    with store.transaction():
        table = MirrorTable(store)
        table.clear()
        for row in rows:
            table.put(row)
        store.put(_KEY, facts)
    return FolderMirror(project), report
