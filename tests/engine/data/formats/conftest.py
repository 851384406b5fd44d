"""Pictures and data sets that the tests of several formats share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.data.annotations import Annotation
from engine.data.formats import ClassInfo, LabelledDataset, LabelledImage

WIDTH, HEIGHT = 60, 40


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 60 x 40 pixels."""
    path = tmp_path_factory.mktemp("pictures") / "a.png"
    pixels = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture
def dataset_of(picture: Path) -> Callable[..., LabelledDataset]:
    """Makes a data set of classes car and part with the given annotations on one picture."""

    def make(
        *annotations: Annotation, classes: dict[int, ClassInfo] | None = None
    ) -> LabelledDataset:
        image = LabelledImage(picture, WIDTH, HEIGHT, "train", tuple(annotations))
        return LabelledDataset({0: "car", 1: "part"}, [image], classes=classes or {})

    return make


@pytest.fixture
def lay(tmp_path: Path, picture: Path) -> Callable[[dict[str, str | bytes]], Path]:
    """Writes files below a folder, with copies of the picture where their content is empty text."""

    def write(files: dict[str, str | bytes]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(data or picture.read_bytes())
        return tmp_path

    return write


@pytest.fixture
def said() -> Callable[[LabelledDataset], str]:
    """All that was found wrong, a line each, led by its kind."""

    def text(dataset: LabelledDataset) -> str:
        return "\n".join(f"{p.kind} {p}" for p in dataset.skipped)

    return text


def same_points(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], off: float) -> bool:
    """Tell whether points agree within a tolerance."""
    return len(a) == len(b) and bool(np.allclose(np.array(a), np.array(b), atol=off))
