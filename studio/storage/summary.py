"""A project in numbers: what ``maskwright info`` prints."""

from __future__ import annotations

from typing import Any

from studio.model.project import Project
from studio.storage.health import check_health
from studio.storage.image_index import store_of
from studio.storage.versions import list_versions

_KINDS = (
    "SELECT kind, COUNT(*) FROM shapes JOIN images ON images.id = image_id "
    "WHERE removed = 0 GROUP BY kind ORDER BY kind"
)
_SPLITS = "SELECT split, COUNT(*) FROM images WHERE removed = 0 GROUP BY split ORDER BY split"


def summarize(project: Project) -> dict[str, Any]:
    """Return the project's numbers as plain values.

    Keys: ``name``, ``folder``, ``task``; ``images``; ``status`` (images by status); ``annotations``
        (shapes by kind of
    geometry); ``classes`` (shapes by class name, in the order of the classes); ``splits`` (images
    by split, ``automatic`` without one); ``versions``; ``integrity`` (``ok`` or a list of what is
    wrong); ``missing_files`` and ``damaged``.
    """
    database = store_of(project).db
    counts, health = project.class_counts(), check_health(project)
    return {
        "name": project.name,
        "folder": str(project.folder),
        "task": project.task,
        "images": project.count_images(),
        "status": project.status_counts(),
        "annotations": dict(database.rows(_KINDS)),
        "classes": {cls.name: counts.get(cls.id, 0) for cls in project.classes()},
        "splits": {split or "automatic": count for split, count in database.rows(_SPLITS)},
        "versions": len(list_versions(project.versions_dir)),
        "integrity": health.problems or "ok",
        "missing_files": health.missing_files,
        "damaged": health.damaged,
    }
