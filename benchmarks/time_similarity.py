"""Time questions to an Explorer's table: the pictures most alike, SQL, and how many are near each.

The vectors are drawn at random around a few hundred centres, as those of a data set gather around its scenes; no
picture is read and no model runs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

CENTRES = 300
NAMES = ("person", "bus", "dog", "chair", "cup")
LIMIT = 25


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--embeddings", type=int, default=100_000)
    parser.add_argument("--length", type=int, default=256, help="of a vector")
    parser.add_argument("--index", action="store_true", help="also count the neighbours of each")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the median, and of similarity the slowest, in milliseconds."""
    from engine.explorer.explorer import Explorer

    with tempfile.TemporaryDirectory() as folder:
        explorer = Explorer("drawn.yaml", uri=folder)
        start = time.perf_counter()
        explorer.store = _filled(Path(folder), options.embeddings, options.length)
        written = time.perf_counter() - start
        start = time.perf_counter()
        explorer.get_similar(idx=0, limit=LIMIT)
        first = time.perf_counter() - start
        asked = np.random.default_rng(1).integers(options.embeddings, size=max(options.repeats, 20))
        cpu = time.process_time()
        queries = [_ms(lambda i=int(i): explorer.get_similar(idx=i, limit=LIMIT)) for i in asked]
        cpu = (time.process_time() - cpu) / len(queries)
        sql = [
            _ms(lambda: explorer.sql_query("WHERE labels LIKE '%person%' LIMIT 25"))
            for _ in range(options.repeats)
        ]
        figures: dict[str, object] = {
            "embeddings": options.embeddings,
            "length": options.length,
            "write_s": written,
            "first_query_ms": first * 1e3,
            "query_ms": statistics.median(queries),
            "query_processor_ms": cpu * 1e3,
            "slowest_query_ms": max(queries),
            "sql_query_ms": statistics.median(sql),
        }
        if options.index:
            figures["similarity_index_s"] = _ms(lambda: explorer.similarity_index(0.02)) / 1e3
    return figures


def _filled(folder: Path, count: int, length: int) -> object:
    """Return a table of drawn vectors."""
    from engine.explorer.dataset_rows import ImageRow
    from engine.explorer.embedding_store import EmbeddingStore
    from engine.explorer.nearness import unit

    generator = np.random.default_rng(0)
    centres = generator.normal(size=(CENTRES, length))
    of = generator.integers(CENTRES, size=count)
    vectors = unit(centres[of] + 0.5 * generator.normal(size=(count, length)))
    keys = [i.to_bytes(16, "little") for i in range(count)]
    rows = []
    for i, key in enumerate(keys):
        label = int(of[i]) % len(NAMES)
        box = ((10.0, 20.0, 200.0, 300.0),)
        rows.append(ImageRow(f"images/{i:06d}.jpg", 640, 480, key, (label,), (NAMES[label],), box))
    store = EmbeddingStore(folder / "drawn.db")
    store.add_vectors(dict(zip(keys, vectors, strict=True)))
    store.set_rows(rows, "train")
    return store


def _ms(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e3
