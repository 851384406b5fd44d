"""What may import what: the layers of pyproject.toml, and which rooms stay free of torch and of Qt."""

from __future__ import annotations

import os
import pkgutil
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "torchvision", "onnx", "onnxruntime", "matplotlib", "scipy"}
WINDOW_ROOMS = (
    "engine",
    "engine.runtime.checks",
    "engine.runtime.device",
    "engine.runtime.dist",
    "engine.runtime.settings",
    "engine.cfg.arguments",
    "engine.cfg.command_line",
    "engine.cfg.reference",
    "engine.cfg.schema",
    "engine.cli",
    "engine.data.annotations",
    "engine.data.formats",
    "engine.data.images",
    "engine.data.labels",
    "engine.data.yaml_file",
    "engine.ops.polygons",
)
# The worker's side of the pipe, which runs models.
WORKER_SIDE = (
    "studio.jobs.worker",
    "studio.jobs.tasks",
    "studio.jobs.inspection",
    "studio.jobs.open_vocabulary",
    "studio.jobs.prompted",
    "studio.jobs.surveying",
    "studio.jobs.tracking",
)


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_layers_hold():
    """Run the import contracts exactly as CI does."""
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("import-linter is not installed; it comes with the dev extra")
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", WINDOW_ROOMS)
def test_room_of_the_window_process_loads_nothing_heavy(room):
    done = run_python(f"import sys, {room}; print(*sorted({HEAVY!r} & set(sys.modules)))")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_engine_loads_no_qt():
    code = (
        "import sys, pkgutil, importlib, engine\n"
        "for module in pkgutil.walk_packages(engine.__path__, 'engine.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "print(*sorted(name for name in sys.modules if name.partition('.')[0] in ('PySide6', 'studio')))"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_studio_loads_no_torch():
    """Every module of the window process, imported together in one process."""
    import studio

    names = [
        module.name
        for module in pkgutil.walk_packages(studio.__path__, "studio.")
        if not module.name.startswith(WORKER_SIDE) and not module.name.endswith("__main__")
    ]
    code = f"import sys, importlib\nfor name in {names!r}: importlib.import_module(name)\n"
    done = run_python(
        code + f"print(*sorted({HEAVY!r} & set(sys.modules)))", QT_QPA_PLATFORM="offscreen"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
    assert len(names) > 20


def test_commands_of_the_distribution_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["scripts"]) == {"maskwright", "yolo"}
    for name, value in project["scripts"].items():
        assert callable(EntryPoint(name, value, "console_scripts").load())
