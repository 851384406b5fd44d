"""Is the project sound: the database's own checks, and whether its tables agree with one another."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio.model.project import Project
from studio.storage.image_index import store_of

# What must return no row; the first column is put into the sentence.
_RULES = {
    "image {} does not count its shapes": (
        "SELECT id FROM images WHERE shape_count <> "
        "(SELECT COUNT(*) FROM shapes WHERE image_id = images.id)"
    ),
    "image {} does not count its suggestions": (
        "SELECT id FROM images WHERE suggestion_count <> "
        "(SELECT COUNT(*) FROM suggestions WHERE image_id = images.id)"
    ),
    "image {} has a status that does not fit its shapes": (
        "SELECT id FROM images WHERE (status = 'labelled') <> (shape_count > 0 AND note = '')"
    ),
    "image {} does not know the classes of its shapes": (
        "SELECT images.id FROM images WHERE shape_count <> "
        "(SELECT COALESCE(SUM(count), 0) FROM image_classes WHERE image_id = images.id)"
    ),
    "image {} has a stage that does not fit what was chosen": (
        "SELECT id FROM images WHERE chosen_stage <> '' AND stage <> chosen_stage"
    ),
    "image {} does not count its comments": (
        "SELECT id FROM images WHERE comment_count <> "
        "(SELECT COUNT(*) FROM comments WHERE image_id = images.id)"
    ),
    "image {} lists other classes than its shapes have": (
        "SELECT image_id FROM ("
        "SELECT image_id, class_id, COUNT(*) FROM shapes GROUP BY image_id, class_id "
        "EXCEPT SELECT image_id, class_id, count FROM image_classes) "
        "UNION SELECT image_id FROM (SELECT image_id, class_id, count FROM image_classes "
        "EXCEPT SELECT image_id, class_id, COUNT(*) FROM shapes GROUP BY image_id, class_id)"
    ),
    "shape number {} could be given twice": (
        "SELECT MAX(id) FROM (SELECT id FROM shapes UNION ALL SELECT id FROM suggestions) "
        "HAVING MAX(id) >= (SELECT next FROM counters WHERE kind = 'shape')"
    ),
    "history step {} has no journal row": (
        "SELECT position FROM history LEFT JOIN journal ON journal.id = journal_id "
        "WHERE journal.edit IS NULL"
    ),
}
_SHOWN = 20  # findings of each rule


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found.

    Attributes:
        problems: What is wrong inside the database; empty: it is sound.
        missing_files: Images whose file is not where it was.
        damaged: Images that cannot be read.
    """

    problems: list[str] = field(default_factory=list)
    missing_files: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def check_health(project: Project) -> Health:
    """Check the whole project; reads every page of the database and asks for every image file."""
    store = store_of(project)
    problems = store.db.integrity()
    for sentence, sql in _RULES.items():
        problems += [sentence.format(row[0]) for row in store.db.rows(f"{sql} LIMIT {_SHOWN}")]
    missing, damaged = [], []
    for record in project.images(project.image_ids()):
        if not record.path.is_file():
            missing.append(str(record.path))
        elif record.status == "damaged":
            damaged.append(record.note)
    return Health(problems, missing, damaged)
