"""The tables of a project database, and the steps that bring an older database up to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from studio.storage.name_keys import search_key

APPLICATION_ID = 0x4D534B57  # "MSKW": tells a project from any other SQLite file

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE counters (kind TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('shape', 1), ('class', 0);

CREATE TABLE classes (
    id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    name TEXT NOT NULL UNIQUE,
    color TEXT NOT NULL,
    visible INTEGER NOT NULL DEFAULT 1
);

-- A folder that images were added from: relative to the project where it lies inside it, so that the project can move.
CREATE TABLE sources (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);

CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES sources (id),
    rel TEXT NOT NULL,                       -- below the source, with forward slashes
    sort_key TEXT NOT NULL,                  -- numbers padded: img2 before img10
    search TEXT NOT NULL,                    -- rel in NFC, case folded
    width INTEGER NOT NULL DEFAULT 0,        -- upright pixels, 0: header not read yet
    height INTEGER NOT NULL DEFAULT 0,
    split TEXT,
    background INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '',           -- why it cannot be read
    removed INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'unlabelled',
    shape_count INTEGER NOT NULL DEFAULT 0,
    suggestion_count INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0,     -- grows with every change of its shapes or background mark
    UNIQUE (source_id, rel)
);
CREATE INDEX images_listed ON images (removed, source_id, sort_key);
CREATE INDEX images_by_status ON images (removed, status, source_id, sort_key);
CREATE INDEX images_suggested ON images (id) WHERE suggestion_count > 0;
CREATE INDEX images_unmeasured ON images (id) WHERE width = 0 AND note = '' AND removed = 0;

CREATE TABLE shapes (
    id INTEGER PRIMARY KEY,
    image_id INTEGER NOT NULL REFERENCES images (id),
    class_id INTEGER NOT NULL REFERENCES classes (id),
    kind TEXT NOT NULL,
    geometry BLOB NOT NULL,                  -- studio.storage.geometry_codec, upright image pixels
    source TEXT NOT NULL,
    score REAL,
    attributes TEXT NOT NULL,
    z INTEGER NOT NULL
);
CREATE INDEX shapes_of_image ON shapes (image_id, z);
CREATE INDEX shapes_of_class ON shapes (class_id, image_id);
CREATE INDEX shapes_of_kind ON shapes (kind);

CREATE TABLE suggestions (
    id INTEGER PRIMARY KEY,
    image_id INTEGER NOT NULL REFERENCES images (id),
    class_id INTEGER NOT NULL REFERENCES classes (id),
    kind TEXT NOT NULL,
    geometry BLOB NOT NULL,
    source TEXT NOT NULL,
    score REAL,
    attributes TEXT NOT NULL,
    z INTEGER NOT NULL
);
CREATE INDEX suggestions_of_image ON suggestions (image_id, z);
CREATE INDEX suggestions_of_class ON suggestions (class_id);

-- Append-only: rows are never changed or deleted. action: do, undo, redo, import; entry: the 'do' row of an undo or redo.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    action TEXT NOT NULL,
    entry INTEGER,
    label TEXT NOT NULL,
    images TEXT NOT NULL,
    edit TEXT
);

-- The undo history: positions below meta 'history' are done, the others undone.
CREATE TABLE history (position INTEGER PRIMARY KEY, journal_id INTEGER NOT NULL REFERENCES journal (id));

-- Label files that are kept in step with the project (studio.storage.folder_mirror).
CREATE TABLE mirror (
    image_id INTEGER PRIMARY KEY REFERENCES images (id),
    label TEXT NOT NULL,                     -- absolute path of the label file
    digest TEXT NOT NULL,                    -- of the content last read or written, '' where there was no file
    size INTEGER NOT NULL,                   -- of that file, with mtime_ns a quick look for outside changes
    mtime_ns INTEGER NOT NULL,
    revision INTEGER NOT NULL,               -- of the image when that content was in step
    conflict TEXT NOT NULL DEFAULT ''        -- why the file is left alone until somebody decides
);
"""

_SECOND = """
ALTER TABLE classes ADD COLUMN shortcut TEXT NOT NULL DEFAULT '';
ALTER TABLE classes ADD COLUMN parent INTEGER;                       -- may point to a class that was removed: no parent
ALTER TABLE classes ADD COLUMN opacity REAL NOT NULL DEFAULT 1;
ALTER TABLE classes ADD COLUMN attributes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE classes ADD COLUMN keypoints TEXT;

ALTER TABLE shapes ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shapes ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
ALTER TABLE suggestions ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE suggestions ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
"""

_THIRD = """
ALTER TABLE images ADD COLUMN stage TEXT NOT NULL DEFAULT 'new';         -- as lists show it
ALTER TABLE images ADD COLUMN chosen_stage TEXT NOT NULL DEFAULT '';     -- what somebody said; '': the labels say it
ALTER TABLE images ADD COLUMN score REAL;                                -- lowest of its shapes and suggestions
ALTER TABLE images ADD COLUMN comment_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE images ADD COLUMN added REAL NOT NULL DEFAULT 0;
ALTER TABLE images ADD COLUMN modified REAL NOT NULL DEFAULT 0;
ALTER TABLE images ADD COLUMN file_size INTEGER NOT NULL DEFAULT 0;      -- bytes, 0: not looked at yet
ALTER TABLE images ADD COLUMN locked_by INTEGER NOT NULL DEFAULT 0;      -- the version that uses its split, 0: none
CREATE INDEX images_by_stage ON images (removed, stage, source_id, sort_key);
CREATE INDEX images_by_split ON images (removed, split, source_id, sort_key);

CREATE TABLE image_tags (
    tag TEXT NOT NULL,
    image_id INTEGER NOT NULL REFERENCES images (id),
    PRIMARY KEY (tag, image_id)
) WITHOUT ROWID;
CREATE INDEX tags_of_image ON image_tags (image_id);

CREATE TABLE comments (
    id INTEGER PRIMARY KEY,
    image_id INTEGER NOT NULL REFERENCES images (id),
    time REAL NOT NULL,
    author TEXT NOT NULL,
    kind TEXT NOT NULL,                      -- comment, reject
    text TEXT NOT NULL
);
CREATE INDEX comments_of_image ON comments (image_id, time);
INSERT INTO counters VALUES ('comment', 1);

-- Made from the tables above whenever the labels of an image change, so that filters need not read the shapes.
CREATE TABLE image_classes (
    class_id INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (class_id, image_id)
) WITHOUT ROWID;
CREATE INDEX classes_of_image ON image_classes (image_id, count);
CREATE TABLE image_words (image_id INTEGER PRIMARY KEY, words TEXT NOT NULL);

INSERT INTO image_classes SELECT class_id, image_id, COUNT(*) FROM shapes GROUP BY class_id, image_id;
INSERT INTO image_words
    SELECT image_id, search_key(group_concat(value, char(10))) FROM (
        SELECT image_id, value FROM shapes, json_each(shapes.attributes)
        WHERE shapes.attributes <> '{}' AND json_each.type = 'text'
    ) GROUP BY image_id;
UPDATE images SET
    stage = CASE status WHEN 'labelled' THEN 'in_progress' WHEN 'background' THEN 'done' ELSE 'new' END,
    score = (SELECT MIN(score) FROM (
        SELECT score FROM shapes WHERE image_id = images.id
        UNION ALL SELECT score FROM suggestions WHERE image_id = images.id));
"""

_FOURTH = """
-- What the record of an image says of its shapes is counted in these indexes alone, at each edit.
CREATE INDEX shapes_facts ON shapes (image_id, class_id, score);
CREATE INDEX shapes_written ON shapes (image_id) WHERE attributes <> '{}';
CREATE INDEX tags_of_whole_images ON shapes (image_id) WHERE kind = 'tag';
"""

_FIFTH = """
-- Shapes and suggestions of imports that were undone (studio.storage.import_shelf).
CREATE TABLE shelf (
    import INTEGER NOT NULL,
    is_suggestion INTEGER NOT NULL,
    id INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    class_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    geometry BLOB NOT NULL,
    source TEXT NOT NULL,
    score REAL,
    attributes TEXT NOT NULL,
    z INTEGER NOT NULL,
    locked INTEGER NOT NULL,
    hidden INTEGER NOT NULL
);
INSERT INTO counters VALUES ('import', 1);
"""

_SIXTH = """
-- Whose shapes an image has, for filters; imported ones are many and nobody looks for them.
CREATE INDEX shapes_of_source ON shapes (source, image_id) WHERE source <> 'imported';
"""

# Step n brings a database from version n to n + 1. Steps that were released never change; new ones follow.
MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version of a database, 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, steps: Sequence[str] = MIGRATIONS) -> None:
    """Bring the database to the newest version; each step is on disk as a whole or not at all."""
    connection.create_function("search_key", 1, search_key, deterministic=True)
    for version in range(version_of(connection), len(steps)):
        script = f"BEGIN IMMEDIATE; {steps[version]}; PRAGMA user_version = {version + 1};"
        if version == 0:
            script += f" PRAGMA application_id = {APPLICATION_ID};"
        try:
            connection.executescript(script + " COMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.rollback()
            raise
