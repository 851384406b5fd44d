"""Fixtures for tests of the studio: real projects on disk, real small pictures."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.data.images import write_image
from studio.app.launch import paint_at_once_on_few_cores
from studio.model.project import Project
from studio.storage.image_index import add_folder
from studio.storage.project_files import create_project

WritePhotos = Callable[..., list[Path]]
_HERE = Path(__file__).parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Destroy what a test left behind in the window's thread, as `studio.app.garbage` does, and soon.

    Around the whole of a test, because pytest lets go of what fixtures made only after the last of them has ended. In
    between no other thread may look for garbage either: a widget that it destroys hangs the program. Pytest asks for tests
    of other rooms too.
    """
    if _HERE not in item.path.parents:
        return (yield)
    gc.disable()
    gc.freeze()  # what exists already is looked through once, not after each test
    result = yield
    gc.collect()
    if nextitem is None or _HERE not in nextitem.path.parents:
        gc.unfreeze()
        gc.enable()
    return result


@pytest.fixture(scope="session")
def qapp_args(pytestconfig: pytest.Config) -> list[str]:
    """Arguments of the application; it paints as the program does on a computer like this."""
    paint_at_once_on_few_cores()
    return [pytestconfig.getini("qt_qapp_name")]


@pytest.fixture
def write_photos() -> WritePhotos:
    """Return a function that writes small different pictures: write_photos(folder, count, size_wh)."""

    def write(folder: Path, count: int, size_wh: tuple[int, int] = (64, 48)) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for index in range(count):
            pixels = np.random.default_rng(index).integers(0, 255, (*size_wh[::-1], 3), np.uint8)
            paths.append(write_image(folder / f"img{index}.png", pixels))
        return paths

    return write


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project."""
    with create_project(tmp_path / "project", "Parts") as made:
        yield made


@pytest.fixture
def photo_project(project: Project, tmp_path: Path, write_photos: WritePhotos) -> Project:
    """A project with four pictures of 64 x 48 and the classes bolt and nut."""
    write_photos(tmp_path / "photos", 4)
    for _ in add_folder(project, tmp_path / "photos"):
        pass
    project.add_class("bolt")
    project.add_class("nut")
    return project
