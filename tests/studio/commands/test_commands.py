"""``maskwright`` as people and scripts run it: real processes, their output, exit codes and what they leave on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine._version import __version__
from studio.__main__ import main
from studio.commands.table import COMMANDS
from studio.model.project import Project
from studio.storage.project_files import open_project

REPOSITORY = Path(__file__).resolve().parents[3]
WritePhotos = Callable[..., list[Path]]


def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "studio", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        timeout=120,
    )


def answer(*words: object) -> dict[str, Any]:
    process = run(*words)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    return json.loads(process.stdout)


@pytest.fixture
def dataset(tmp_path: Path, write_photos: WritePhotos) -> Path:
    root = tmp_path / "dataset"
    write_photos(root / "images/train", 2)
    write_photos(root / "images/val", 1)
    for name, text in {
        "train/img0": "0 0.5 0.5 0.5 0.5\n",
        "val/img0": "1 0.1 0.1 0.9 0.1 0.5 0.9\nx\n",
    }.items():
        (root / "labels" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "labels" / f"{name}.txt").write_text(text)
    (root / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [bolt, nut]\n")
    return root


def test_import_info_export(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    report = answer("import", dataset / "data.yaml", "--project", folder)
    assert set(report) >= {"format", "images", "annotations", "classes", "skipped", "seconds"}
    assert (report["format"], report["images"], report["annotations"]) == ("yolo", 3, 2)
    assert report["classes"] == ["bolt", "nut"]
    (skipped,) = report["skipped"]
    assert (Path(skipped["file"]).name, skipped["line"]) == ("img0.txt", 2)

    info = answer("info", "--project", folder)
    assert info["images"] == 3
    assert info["annotations"] == {"box": 1, "polygon": 1}
    assert info["classes"] == {"bolt": 1, "nut": 1}
    assert info["splits"] == {"train": 2, "val": 1}
    assert info["integrity"] == "ok"
    assert (info["task"], info["missing_files"], info["versions"]) == ("segment", [], 0)

    out = tmp_path / "out"
    written = answer("export", "--project", folder, "--format", "yolo", "--out", out)
    assert (written["images"], written["annotations"]) == (3, 2)
    assert written["lost"] == ["1 box, written as the outline of a rectangle"]
    assert Path(written["path"]) == out / "data.yaml"
    again = answer("import", out, "--project", tmp_path / "second", "--format", "yolo")
    assert (again["images"], again["annotations"]) == (3, 2)


def test_export_options(dataset: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "project", tmp_path / "out"
    answer("import", dataset, "--project", folder)
    words = ("--split", "val", "--task", "detect", "--images", "none")
    written = answer("export", "--project", folder, "--format", "yolo", "--out", out, *words)
    assert (written["images"], written["annotations"]) == (1, 1)
    files = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert files == ["data.yaml", "labels/val/img0.txt"]
    assert len((out / "labels/val/img0.txt").read_text().split()) == 5
    refused = run("export", "--project", folder, "--format", "yolo", "--out", out)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "not empty" in refused.stderr
    forced = answer("export", "--project", folder, "--format", "yolo", "--out", out, "--overwrite")
    assert forced["images"] == 3


def test_import_adds_to_what_is_there_when_asked(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    before = answer("import", dataset, "--project", folder)["annotations"]
    (dataset / "labels/train/img0.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    added = answer("import", dataset, "--project", folder, "--add")
    assert added["annotations"] == 1
    assert sum(answer("info", "--project", folder)["classes"].values()) == before + 1
    refused = run("import", dataset, "--project", folder, "--add", "--replace")
    assert refused.returncode != 0


def test_import_replaces_only_when_asked(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    answer("import", dataset, "--project", folder)
    (dataset / "labels/train/img0.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    kept = answer("import", dataset, "--project", folder)
    assert kept["annotations"] == 0
    assert "were kept" in kept["notes"][0]["reason"]
    assert answer("import", dataset, "--project", folder, "--replace")["annotations"] == 1
    assert answer("info", "--project", folder)["classes"] == {"bolt": 0, "nut": 2}


FAILURES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "no source": (("import", "{tmp}/gone.yaml", "--project", "{tmp}/new"), ("gone.yaml",)),
    "bad yaml": (("import", "{tmp}/bad.yaml", "--project", "{tmp}/new"), ("bad.yaml", "line 2")),
    "no dataset": (("import", "{tmp}/empty", "--project", "{tmp}/new"), ("empty", "no dataset")),
    "no project": (("info", "--project", "{tmp}/gone"), ("gone", "project.db")),
    "no project to export": (
        ("export", "--project", "{tmp}", "--format", "yolo", "--out", "{tmp}/o"),
        ("project.db", "create one"),
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_one_line_and_leaves_nothing(
    tmp_path: Path, config_dir: Path, name: str
) -> None:
    (tmp_path / "bad.yaml").write_text("names: [\n")
    (tmp_path / "empty").mkdir()
    words, expected = FAILURES[name]
    process = run(*(word.format(tmp=tmp_path) for word in words))
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.startswith("maskwright: ")
    assert process.stderr.count("\n") == 1
    for part in expected:
        assert part in process.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.yaml", "empty"]
    assert "Traceback" in (config_dir / "logs/engine.log").read_text()


WRONG_USAGE: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown command": (("imprt",), "Did you mean 'import'?"),
    "missing option": (("import", "x"), "--project"),
    "unknown option": (("info", "--project", "x", "--verbos"), "--verbos"),
    "unknown format": (("import", "x", "--project", "y", "--format", "yollo"), "yollo"),
    "unknown split": (
        ("export", "--project", "x", "--format", "yolo", "--out", "y", "--split", "hold"),
        "hold",
    ),
}


@pytest.mark.parametrize("name", WRONG_USAGE)
def test_wrong_usage_is_2(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, expected = WRONG_USAGE[name]
    assert main(words) == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert said.out == ""


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in COMMANDS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"maskwright {__version__}\n"
    assert main(["import", "--help"]) == 0
    assert "SOURCE" in capsys.readouterr().out


def test_a_project_open_in_a_window(photo_project: Project, dataset: Path, tmp_path: Path) -> None:
    """Reading goes on beside the window; an import says that the window has to be closed."""
    assert answer("info", "--project", photo_project.folder)["images"] == 4
    out = tmp_path / "out"
    words = ("--project", photo_project.folder, "--format", "yolo", "--out", out)
    assert answer("export", *words)["images"] == 4
    process = run("import", dataset, "--project", photo_project.folder)
    assert process.returncode == 1
    assert "already open in another window" in process.stderr
    assert len(photo_project.image_ids()) == 4


def test_import_works_where_the_log_cannot_be_written(dataset: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way of the settings folder")
    words = ("import", dataset, "--project", tmp_path / "project")
    assert run(*words, MASKWRIGHT_CONFIG_DIR=str(blocked)).returncode == 0
    failed = run("info", "--project", tmp_path, MASKWRIGHT_CONFIG_DIR=str(blocked))
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1


def test_commands_load_neither_torch_nor_qt(dataset: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom studio.__main__ import main\n"
        f"code = main(['import', {str(dataset)!r}, '--project', {str(tmp_path / 'p')!r}])\n"
        "print(code, 'torch' in sys.modules, 'PySide6' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert process.stdout.splitlines()[-1] == "0 False False"


def test_doctor() -> None:
    process = run("doctor", QT_QPA_PLATFORM="offscreen")
    assert process.returncode == 0, process.stderr
    for words in ("Python", "device=cpu", "Settings and log", "on offscreen", "Nothing that is"):
        assert words in process.stdout
    values = json.loads(run("doctor", "--json", QT_QPA_PLATFORM="offscreen").stdout)
    assert values["ok"] is True
    assert values["problems"] == []
    assert {check["group"] for check in values["checks"]} >= {"System", "Devices", "Window"}


def test_doctor_says_what_is_missing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    process = run(
        "doctor", "--json", QT_QPA_PLATFORM="nonsense", MASKWRIGHT_CONFIG_DIR=str(blocked)
    )
    assert process.returncode == 0
    values = json.loads(process.stdout)
    assert values["ok"] is False
    problems = " ".join(values["problems"])
    assert "no window can be opened" in problems
    assert "MASKWRIGHT_CONFIG_DIR" in problems


def test_real_data(shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / "datasets/nuinsseg-mini/data.yaml"
    report = answer("import", source, "--project", tmp_path / "p")
    assert (report["images"], report["annotations"], report["skipped"]) == (80, 3397, [])
    info = answer("info", "--project", tmp_path / "p")
    assert info["annotations"] == {"polygon": 3397}
    assert info["splits"] == {"train": 60, "val": 20}
    with open_project(tmp_path / "p") as project:
        assert project.task == "segment"
