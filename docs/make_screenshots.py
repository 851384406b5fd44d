"""Play the scenes of ``docs/scenes`` on the real window and save the pictures of ``docs/screenshots``.

``python -m docs.make_screenshots [--home DIR] [--well] [--only NAME ...]``: draws the sample, starts a training of seconds
on it (``--well``: of some minutes first, as for the pictures in the repository), and plays every scene in both colour
schemes, each scheme in a process of its own. ``DIR`` keeps the sample and its training for the next time. Without a
display Qt's offscreen platform is used.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from docs.scenes.home import Home, take_run
from docs.scenes.page import write_page
from docs.scenes.paper import SUFFIX
from docs.scenes.scene import Scene
from engine.runtime.errors import EngineError

if TYPE_CHECKING:
    from docs.scenes.stage import Stage

FOLDER = Path(__file__).parent / "screenshots"
SCHEMES = ("dark", "light")


def main() -> int:
    """Make the pictures; returns 1 where a scene failed."""
    options = _options()
    os.environ.setdefault("MASKWRIGHT_OFFLINE", "1")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if options.play:
        return _play(options)
    with tempfile.TemporaryDirectory(prefix="maskwright-") as kept:
        return _make(Home((options.home or Path(kept)).absolute()), options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="keeps the sample and its training")
    parser.add_argument("--well", action="store_true", help="train for minutes before")
    parser.add_argument("--only", nargs="*", default=(), help="names of scenes")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the pictures go")
    parser.add_argument("--play", choices=SCHEMES, help=argparse.SUPPRESS)
    parser.add_argument("--live", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--trained", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _make(home: Home, options: argparse.Namespace) -> int:
    """Prepare one home for each scheme and let the schemes be played side by side."""
    from docs.scenes.table import SCENES, TRANSLATED

    start = time.perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ["MASKWRIGHT_CONFIG_DIR"] = str(home.folder / ".config" / "maskwright")
    home.prepare(options.well)
    _tell(f"sample ready, training started: {time.perf_counter() - start:.1f} s")
    with ThreadPoolExecutor() as pool:
        codes = [pool.submit(_play_scheme, home, scheme, options) for scheme in SCHEMES]
        failed = sum(code.result() for code in codes)
    home.end()
    if not options.only and options.out == FOLDER:
        write_page(FOLDER.parent / "pictures.md", SCENES, TRANSLATED, FOLDER)
    total = sum(file.stat().st_size for file in options.out.glob(f"*{SUFFIX}"))
    _tell(f"{total / 1e6:.1f} MB in all, {time.perf_counter() - start:.0f} s")
    return int(failed > 0)


def _play_scheme(home: Home, scheme: str, options: argparse.Namespace) -> int:
    """Play a scheme in English, then what is shown in other languages."""
    from docs.scenes.table import TRANSLATED

    own = home.folder / "homes" / scheme
    home.copy_to(own)
    command = [sys.executable, "-m", "docs.make_screenshots", "--play", scheme, "--home", str(own)]
    command += ["--live", str(home.live), "--trained", str(home.trained)]
    command += ["--out", str(options.out), "--only", *options.only]
    environment = {**os.environ, "HOME": str(own), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment["MASKWRIGHT_CONFIG_DIR"] = str(own / ".config" / "maskwright")
    return sum(
        subprocess.run(command, env={**environment, "MASKWRIGHT_LANGUAGE": language}).returncode
        for language in ("en", *TRANSLATED)
    )


def _play(options: argparse.Namespace) -> int:
    """Play all scenes of one scheme in one language."""
    from docs.scenes.table import SCENES, TRANSLATED
    from studio.language.chosen import chosen_language

    language = chosen_language()
    names = set(TRANSLATED.get(language, (scene.name for scene in SCENES)))
    suffix = f"-{language[:2]}" if language in TRANSLATED else ""
    wanted = [
        scene
        for scene in SCENES
        if scene.name in names and (not options.only or f"{scene.name}{suffix}" in options.only)
    ]
    return play(wanted, options, suffix) if wanted else 0


def play(scenes: Sequence[Scene], options: argparse.Namespace, suffix: str) -> int:
    """Open the window and play scenes on it; returns how many failed."""
    from docs.scenes.camera import Camera
    from docs.scenes.stage import Stage
    from studio.app.launch import build_application
    from studio.app.studio import Studio

    application = build_application()
    if suffix == "-zh" and not _can_write_chinese():
        _tell("no font here can write Chinese: those pictures are left out")
        return 0
    studio = Studio(application)
    studio.keeps_layout = False
    studio.theme.set_mode(options.play)
    stage = Stage(studio, options.home)
    studio.window.show()
    failed = 0
    with Camera(options.out, f"{suffix}-{options.play}") as camera:
        for scene in scenes:
            start = time.perf_counter()
            try:
                _bring(stage, scene, options)
                camera.film(stage, scene)
            except (
                EngineError,
                LookupError,
                RuntimeError,
                TimeoutError,
            ):  # the others are still wanted
                failed += 1
                _tell(f"{scene.name}: {traceback.format_exc()}")
                camera.clear()
            _tell(f"{scene.name} {time.perf_counter() - start:.2f} s")
    studio.window.close()
    return failed


def _bring(stage: Stage, scene: Scene, options: argparse.Namespace) -> None:
    """Let there be what a scene needs."""
    studio = stage.studio
    if scene.needs == "nothing":
        return
    if studio.session is None:
        studio.files.open_project(Home(options.home).project)
        stage.settle()
    runs_dir = stage.session.project.runs_dir
    own = runs_dir / options.live.name
    if scene.needs == "live" and not own.exists():
        runs_dir.mkdir(exist_ok=True)
        own.symlink_to(options.live, target_is_directory=True)
    if scene.needs == "trained" and not (runs_dir / options.trained.name / "mine").exists():
        own.unlink(missing_ok=True)
        (take_run(options.trained, options.home, runs_dir) / "mine").touch()
        stage.wait(lambda: any(run.best.is_file() for run in studio.runs.runs))
        stage.settle()


def _can_write_chinese() -> bool:
    from PySide6.QtGui import QFontDatabase

    systems = QFontDatabase.writingSystems()
    return QFontDatabase.WritingSystem.SimplifiedChinese in systems


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
