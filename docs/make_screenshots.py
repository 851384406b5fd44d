"""Drive the real app on the generated sample and save the pictures of ``docs/screenshots``.

``python -m docs.make_screenshots [--home DIR]``: draws the sample, trains on it for some minutes, then opens the
window in both colour schemes. ``DIR`` stands for the home folder in the pictures; one in which a sample was already
trained is used again. Without a display Qt's offscreen platform is used.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageColor

from studio.model.colors import FIRST_COLORS
from studio.theme.tokens import SCHEMES, Colors

if TYPE_CHECKING:
    from studio.app.session import Session
    from studio.app.studio import Studio

FOLDER = Path(__file__).parent / "screenshots"
SIZE = (1440, 900)
# A picture of few colours is far below 300 KB. The window's own, which fill areas with one exact value, keep theirs.
_EXACT, _OTHERS = 48, 200
_LIVE = {"epochs": 60, "imgsz": 160, "batch": 8, "workers": 0}
_LIVE_EPOCHS = 6  # of the live training before its picture is taken


def main() -> int:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="stands for the home folder")
    parser.add_argument("--only", nargs="*", default=(), help="names of pictures")
    options = parser.parse_args()
    home = (options.home or Path(tempfile.mkdtemp(prefix="maskwright-"))).absolute()
    _pretend_home(home)
    project = _trained_sample(home)
    _take_all(project, set(options.only))
    return 0


def _pretend_home(home: Path) -> None:
    os.environ["HOME"] = str(home)
    os.environ["MASKWRIGHT_CONFIG_DIR"] = str(home / ".config" / "maskwright")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def _trained_sample(home: Path) -> Path:
    """Return the sample's project with a finished training, which it gets the first time."""
    from studio.commands.demo_loop import walk_loop
    from studio.storage.project_files import project_folder_for

    folder = home / "Maskwright" / "sample"
    project = project_folder_for(folder)
    if not list(project.glob("runs/*/weights/best.pt")):
        walk_loop(folder)
    return project


class Photographer:
    """One window and the pictures taken of it.

    Args:
        studio: The application.
        only: Names of the pictures that are wanted; empty: all.
    """

    def __init__(self, studio: Studio, only: set[str]) -> None:
        self.studio, self.only = studio, only

    @property
    def session(self) -> Session:
        """The open project's session."""
        session = self.studio.session
        if session is None:
            raise RuntimeError("the project is not open")
        return session

    def wants(self, *names: str) -> bool:
        """Tell whether one of these pictures is wanted."""
        return not self.only or bool(self.only & set(names))

    def settle(self) -> None:
        """Wait until all that comes late is there."""
        from studio.app.launch import settle

        settle(self.studio, 400)

    def wait(self, condition: Callable[[], object], limit_s: float = 300.0) -> None:
        """Run the window until something is true."""
        from PySide6.QtTest import QTest

        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window did not come to what was waited for")
            QTest.qWait(50)

    def take(
        self, name: str, settle: bool = True, before: Callable[[], object] = lambda: None
    ) -> None:
        """Save the window in both schemes; ``before`` waits for what the window does not wait for."""
        if not self.wants(name):
            return
        for mode in ("dark", "light"):
            self.studio.theme.set_mode(mode)
            if settle:
                self.settle()
            before()
            self._save(f"{name}-{mode}")
        self.studio.theme.set_mode("dark")

    def _save(self, name: str) -> None:
        from PySide6.QtTest import QTest

        QTest.qWait(150)
        file = FOLDER / f"{name}.png"
        self.studio.window.grab().save(str(file))
        with Image.open(file) as picture:
            _with_fewer_colors(picture.convert("RGB")).save(file, optimize=True)
        sys.stdout.write(f"{file.name} {file.stat().st_size // 1024} KiB\n")


def _with_fewer_colors(picture: Image.Image) -> Image.Image:
    """Keep the colours of the theme, the classes and the largest even areas exactly, the picture's as near as may be."""
    counts = sorted(picture.getcolors(SIZE[0] * SIZE[1]) or [], reverse=True)
    used = {color for _, color in counts}
    named = [*_colors_of(SCHEMES["dark"]), *_colors_of(SCHEMES["light"]), *FIRST_COLORS]
    kept: list[Any] = [color for name in named if (color := ImageColor.getrgb(name)) in used]
    exact = list(dict.fromkeys([*kept, *(color for _, color in counts)]))[:_EXACT]
    others = picture.quantize(_OTHERS).getpalette("RGB") or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for color in exact for part in color] + others[: 3 * _OTHERS])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def _colors_of(colors: Colors) -> list[str]:
    """Return a scheme's colours as ``#rrggbb``."""
    values = (getattr(colors, field.name) for field in fields(colors))
    return [value for value in values if str(value).startswith("#")]


def _take_all(project: Path, only: set[str]) -> None:
    from studio.app.launch import build_application
    from studio.app.studio import Studio

    FOLDER.mkdir(parents=True, exist_ok=True)
    studio = Studio(build_application())
    studio.keeps_layout = False
    studio.window.resize(*SIZE)
    studio.window.show()
    photographer = Photographer(studio, only)
    photographer.take("start")
    studio.files.open_project(project)
    photographer.settle()
    for part in (_annotate, _suggestions, _pages, _train):
        part(photographer)
    studio.window.close()


def _annotate(photographer: Photographer) -> None:
    """The canvas with a selected shape, then with a polygon half drawn on an unlabelled image."""
    if not photographer.wants("annotate", "annotate-drawing"):
        return
    session = photographer.session
    studio = photographer.studio
    studio.show_page("annotate")
    busiest = max(
        session.project.images(session.workspace.image_ids), key=lambda image: image.shape_count
    )
    session.workspace.go_to(busiest.id)
    session.use_tool("select")
    photographer.settle()
    largest = max(session.project.shapes(busiest.id), key=lambda shape: shape.geometry.area())
    session.workspace.select([largest.id])
    photographer.take("annotate")
    _draw(photographer)


def _draw(photographer: Photographer) -> None:
    """Click the first corners of a polygon, leave the cursor where the next would be."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    from studio.model.records import ImageFilter

    session = photographer.session
    waiting = session.project.image_ids(ImageFilter(statuses=frozenset({"unlabelled"})))
    project = session.project
    for image_id in waiting[:1]:
        project.reject_suggestions(image_id)
        session.workspace.go_to(image_id)
    session.use_tool("polygon")
    photographer.settle()
    canvas = session.canvas
    corners = ((150, 90), (260, 70), (330, 130), (320, 230), (240, 280), (190, 250))
    places = [QPoint(*(round(v) for v in canvas.viewport.to_device(*corner))) for corner in corners]
    for place in places[:-1]:
        QTest.mouseMove(canvas, place)
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseMove(canvas, places[-1])
    photographer.take("annotate-drawing")
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    session.use_tool("select")


def _suggestions(photographer: Photographer) -> None:
    """What the trained model finds on images without labels."""
    if not photographer.wants("suggestions"):
        return
    from studio.model.records import ImageFilter

    session = photographer.session
    photographer.studio.show_page("annotate")
    photographer.studio.preferences["studio.suggestion_confidence"] = 0.4
    photographer.studio.actions["suggest.run_unlabelled"].trigger()
    photographer.wait(lambda: not photographer.studio.suggest.is_running)
    found = session.project.images(session.project.image_ids(ImageFilter(suggested=True)))
    session.workspace.go_to(max(found, key=lambda image: image.suggestion_count).id)
    session.use_tool("select")
    photographer.studio.window.status.clearMessage()
    photographer.take("suggestions")


def _pages(photographer: Photographer) -> None:
    """The pages that need nothing but a trained project."""
    studio, session = photographer.studio, photographer.session
    for name in ("dataset", "settings"):
        if photographer.wants(name):
            studio.show_page(name)
            photographer.take(name)
    if photographer.wants("validation"):
        studio.show_page("explore")
        photographer.wait(session.pages.validation.table.shown_names)
        photographer.settle()
        session.pages.validation.show_all()
        photographer.take("validation", before=session.pages.validation.gallery.tiles_model.wait)
    if photographer.wants("models"):
        session.pages.models_page.setCurrentWidget(session.pages.models)
        studio.show_page("models")
        photographer.take("models")
    if photographer.wants("models-opened"):
        _opened_model(photographer)
    if photographer.wants("export"):
        _export(photographer)


def _opened_model(photographer: Photographer) -> None:
    """The Models page with a checkpoint opened beside its card."""
    panel = photographer.session.pages.models
    photographer.session.pages.models_page.setCurrentWidget(panel)
    photographer.studio.show_page("models")
    photographer.wait(lambda: panel.cards)
    panel.open_model(panel.cards[0].model)
    photographer.wait(lambda: panel.details.facts is not None)
    photographer.take("models-opened")
    panel.close_details()


def _export(photographer: Photographer) -> None:
    """The Export page with the result of an export."""
    panel = photographer.session.pages.export
    photographer.session.pages.show_export()
    photographer.settle()
    done: list[object] = []
    panel.exported.connect(done.append)
    panel.export()
    photographer.wait(lambda: done or not panel.banner.isHidden())
    photographer.take("export")


def _train(photographer: Photographer) -> None:
    """The form with Advanced open, then a live training, which is stopped afterwards."""
    if not photographer.wants("train-form", "train-live"):
        return
    from studio.model.runs import send_command

    studio, panel = photographer.studio, photographer.session.pages.train
    studio.show_page("train")
    photographer.settle()
    best = next(run.best for run in studio.runs.runs if run.best.is_file())
    for name, value in (("model", str(best)), *_LIVE.items()):
        panel.form.values.set_value(name, value)
    panel.form.open_advanced()
    photographer.take("train-form")
    panel.form.advanced.set_expanded(False)
    if not photographer.wants("train-live"):
        return
    before = {run.folder for run in studio.runs.runs}
    panel.train()
    photographer.wait(lambda: {run.folder for run in studio.runs.runs} - before)
    folder = studio.runs.runs[0].folder
    photographer.wait(lambda: studio.runs.runs[0].facts.epochs_done >= _LIVE_EPOCHS, 900)
    photographer.take("train-live", settle=False)
    send_command(folder, "stop")
    photographer.wait(lambda: not studio.runs.runs[0].state.is_alive, 300)
    shutil.rmtree(folder)  # the next time the finished training is the newest again


if __name__ == "__main__":
    sys.exit(main())
