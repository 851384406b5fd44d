"""The object people hold to look into a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.core.model import Model
from engine.explorer.dataset_rows import ImageRow, read_rows
from engine.explorer.embedders import BATCH, open_embedder
from engine.explorer.embedding_store import EmbeddingStore
from engine.explorer.nearness import near_each, nearest, unit
from engine.explorer.questions import ask_for_sql
from engine.explorer.sheets import draw_counts, draw_sheet
from engine.explorer.tables import as_table
from engine.runtime.errors import ConfigError, ImageError
from engine.runtime.log import LOGGER, show_log_by_default
from engine.runtime.paths import cache_dir

DISTANCE = "_distance"
_COLUMNS = ("idx", "im_file", "split", "width", "height", "objects", "labels", "cls", "bboxes")


class Explorer:
    """Finds pictures of a data set by likeness, by SQL and by words.

    The table is kept in the program's cache folder, one for each data set, split and model.

    Attributes:
        data: The data.yaml, or a folder of class folders.
        names: Class names, once the table is made.
        store: The table on disk, once it is made.

    Examples:
        >>> explorer = Explorer("data.yaml", model="best.pt")
        >>> explorer.create_embeddings_table()
        >>> explorer.get_similar(idx=0, limit=10)
        >>> explorer.sql_query("WHERE labels LIKE '%person%'")
    """

    def __init__(
        self,
        data: str | Path = "coco128.yaml",
        model: str | Path | Model = "yolo11n.pt",
        uri: str | Path | None = None,
        imgsz: int | None = None,
        device: Any = None,
    ) -> None:
        """Name a data set and a model; nothing is read yet.

        Args:
            data: A data.yaml, or a folder with one folder of pictures a class.
            model: A model file, a loaded model, or ``open_clip:ARCHITECTURE/WEIGHTS``, which knows words too.
            uri: Folder for the table; None for the program's cache folder.
            imgsz: Side that pictures are fitted into; None takes what the model was made for.
            device: Where the model runs.
        """
        show_log_by_default()
        self.data = Path(data)
        self.embedder = open_embedder(model, imgsz, device)
        self.folder = Path(uri).expanduser() if uri is not None else cache_dir() / "explorer"
        self.store: EmbeddingStore | None = None
        self.names: tuple[str, ...] = ()
        self._vectors: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.data)!r}, {self.embedder.identity!r})"

    def create_embeddings_table(self, force: bool = False, split: str = "train") -> EmbeddingStore:
        """Make the table of a split; vectors that are there already are kept.

        Args:
            force: Make all vectors anew.
            split: train, val or test.

        Raises:
            DatasetError: The data set cannot be used.
        """
        found = read_rows(self.data, split)
        place = f"{self.data.expanduser().absolute()}|{split}|{self.embedder.identity}"
        key = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        store = EmbeddingStore(self.folder / f"{self.data.stem}-{split}-{key}.db")
        if force:
            store.forget_vectors()
        readable = self._make_vectors(store, found.rows)
        store.set_rows(readable, split)
        self.store, self.names, self._vectors = store, found.names, None
        return store

    def get_similar(
        self,
        img: Any = None,
        idx: int | Sequence[int] | None = None,
        text: str | Sequence[str] | None = None,
        limit: int = 25,
        return_type: str = "pandas",
    ) -> Any:
        """Find the pictures that are most alike.

        Args:
            img: A picture or several: path, address, array (BGR) or PIL image. Of several the mean counts.
            idx: A row or several of the table instead.
            text: Words instead, for models that know some.
            limit: How many to give.
            return_type: pandas, arrow or rows (dictionaries).

        Returns:
            Rows of the table with ``_distance``, 0 for the same and 1 for unrelated ones, the nearest first.

        Raises:
            ConfigError: Not exactly one of img, idx and text was given, or there is no such row.
            ModelError: ``text`` was given to a model that knows no words.
        """
        rows = self._similar(self._query(img, idx, text), limit)
        return as_table(rows, return_type, (*_COLUMNS, DISTANCE))

    def query(self, imgs: Any, limit: int = 25, return_type: str = "pandas") -> Any:
        """Find the pictures most alike one or several, as `get_similar` does."""
        return self.get_similar(img=imgs, limit=limit, return_type=return_type)

    def sql_query(self, query: str, return_type: str = "pandas") -> Any:
        """Answer a question in SQL.

        Args:
            query: ``SELECT ... FROM 'table' ...``, or only its ``WHERE ...``. ``labels``, ``cls`` and ``bboxes``
                are JSON: ``labels LIKE '%"person"%'``, or SQLite's ``json_each``.
            return_type: pandas, arrow or rows (dictionaries).

        Raises:
            ConfigError: It is no SQL, or does anything but read.
        """
        return as_table(self._made().ask(query), return_type, _COLUMNS)

    def ask_ai(self, query: str, return_type: str = "pandas") -> Any:
        """Answer a question in words: a language model writes the SQL, which is then asked here.

        Only the question, the columns and the names of the classes are sent, to the address of the variable
        ``OPENAI_BASE_URL`` (OpenAI's own unless it is set), with the key of the setting ``openai_api_key``.

        Raises:
            ConfigError: There is no key, the network is switched off, or no SQL came back.
        """
        store = self._made()
        question = ask_for_sql(query, _COLUMNS, self.names)
        LOGGER.info("The language model's question: %s", question)
        return as_table(store.ask(question), return_type, _COLUMNS)

    def similarity_index(
        self, max_dist: float = 0.2, top_k: float | None = None, return_type: str = "pandas"
    ) -> Any:
        """Count for each picture how many others are near it: many for near-copies, none for rare ones.

        Args:
            max_dist: How far away still counts.
            top_k: Of the nearest only this share of the data set counts, 0..1; None counts all.
            return_type: pandas, arrow or rows (dictionaries).

        Returns:
            Rows with ``idx``, ``im_file``, ``count`` and ``sim_im_files``, the highest counts first.
        """
        if not 0 <= max_dist <= 2 or not (top_k is None or 0 < top_k <= 1):
            raise ConfigError(
                f"max_dist expects 0..2 and top_k 0..1, received {max_dist!r} and {top_k!r}.",
                value=(max_dist, top_k),
            )
        vectors = self.vectors
        most = None if top_k is None else max(round(top_k * len(vectors)), 1)
        counts, others = near_each(vectors, max_dist, most)
        files = [row["im_file"] for row in self._made().rows(range(len(vectors)))]
        order = np.argsort(-counts, kind="stable").tolist()
        rows = [
            {
                "idx": i,
                "im_file": files[i],
                "count": int(counts[i]),
                "sim_im_files": [files[j] for j in others[i].tolist()],
            }
            for i in order
        ]
        return as_table(rows, return_type, ("idx", "im_file", "count", "sim_im_files"))

    # Pictures

    def plot_similar(
        self,
        img: Any = None,
        idx: int | Sequence[int] | None = None,
        text: str | Sequence[str] | None = None,
        limit: int = 25,
        labels: bool = True,
    ) -> Image.Image:
        """Draw what `get_similar` finds side by side, with distances and, with ``labels``, objects."""
        rows = self._similar(self._query(img, idx, text), limit)
        return draw_sheet(rows, labels, self.names)

    def plot_sql_query(self, query: str, labels: bool = True) -> Image.Image:
        """Draw the pictures that a question in SQL gives.

        Raises:
            ConfigError: It does not give the columns that drawing needs.
        """
        rows = self._made().ask(query)
        needed = {"im_file", *(("width", "height", "cls", "bboxes") if labels else ())}
        if rows and not needed <= set(rows[0]):
            raise ConfigError(
                f"a picture needs the columns {', '.join(sorted(needed))}, received {', '.join(rows[0])}.",
                value=query,
                remedy="Ask SELECT * FROM 'table' ..., or WHERE ....",
            )
        return draw_sheet(rows, labels, self.names)

    def plot_similarity_index(
        self, max_dist: float = 0.2, top_k: float | None = None
    ) -> Image.Image:
        """Draw what `similarity_index` counts."""
        rows = self.similarity_index(max_dist, top_k, return_type="rows")
        return draw_counts([row["count"] for row in rows], max_dist)

    # Inside

    @property
    def vectors(self) -> np.ndarray:
        """The vectors of the table, (N, D) float32 of length 1.

        Raises:
            ConfigError: There is no table yet.
        """
        if self._vectors is None:
            self._vectors = self._made().vectors()
        return self._vectors

    def _made(self) -> EmbeddingStore:
        if self.store is None:
            raise ConfigError(
                "there is no table yet.", remedy="Call create_embeddings_table() first."
            )
        return self.store

    def _similar(self, query: np.ndarray, limit: int) -> list[dict[str, Any]]:
        numbers, distances = nearest(self.vectors, query, limit)
        rows = self._made().rows(numbers.tolist())
        return [
            {**row, DISTANCE: float(d)} for row, d in zip(rows, distances.tolist(), strict=True)
        ]

    def _query(self, img: Any, idx: Any, text: Any) -> np.ndarray:
        """Return the vector to search with, (D,) of length 1."""
        vectors = self.vectors
        if sum(given is not None for given in (img, idx, text)) != 1:
            raise ConfigError("expected exactly one of img, idx and text.")
        if text is not None:
            found = self.embedder.phrases([text] if isinstance(text, str) else list(text))
        elif idx is not None:
            numbers = np.atleast_1d(np.asarray(idx))
            inside = (
                numbers.dtype.kind in "iu" and ((numbers >= 0) & (numbers < len(vectors))).all()
            )
            if not len(numbers) or not inside:
                raise ConfigError(
                    f"idx expects rows 0 to {len(vectors) - 1} of the table, received {idx!r}.",
                    value=idx,
                )
            found = vectors[numbers]
        else:
            found = self.embedder.images(img)
        if not len(found):
            raise ConfigError("there is no picture to search with.", value=img)
        return unit(found.mean(0))

    def _make_vectors(self, store: EmbeddingStore, rows: Sequence[ImageRow]) -> list[ImageRow]:
        """Make the vectors that are missing, batch by batch; return the rows that have one."""
        files = {row.digest: row.im_file for row in rows}
        missing = store.missing(files)
        broken: set[bytes] = set()
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            made = self._vectors_of({digest: files[digest] for digest in part})
            store.add_vectors(made)
            broken |= set(part) - set(made)
            if start and not start % (BATCH * 64):
                LOGGER.info("Vectors of %d of %d images.", start, len(missing))
        return [row for row in rows if row.digest not in broken]

    def _vectors_of(self, files: dict[bytes, str]) -> dict[bytes, np.ndarray]:
        """Return the vectors of pictures by content; those that cannot be read are said and left out."""
        try:
            found = self.embedder.images(list(files.values()))
        except ImageError:
            found = np.zeros((0, 0))
        if len(found) == len(files):
            return dict(zip(files, found, strict=True))
        made = {}
        for digest, file in files.items():  # one of them cannot be read: which?
            try:
                one = self.embedder.images(file)
            except ImageError as error:
                LOGGER.warning("%s", error)
                continue
            if len(one) == 1:
                made[digest] = one[0]
        return made
