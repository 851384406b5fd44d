"""The yolo command without a model: special words, errors, exit codes, and what it must not load."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import cli
from engine._version import __version__
from engine.cfg.reference import default_yaml
from engine.runtime.log import LOGGER
from engine.runtime.paths import log_file

ROOT = Path(__file__).parents[3]


def yolo(*words: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in its own process."""
    return subprocess.run(
        [sys.executable, "-m", "engine", *words],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(autouse=True)
def _log_as_it_was():
    """main() attaches handlers for a process that ends; a test's process goes on."""
    handlers, level = list(LOGGER.handlers), LOGGER.level
    yield
    LOGGER.handlers[:] = handlers
    LOGGER.setLevel(level)


@pytest.mark.parametrize("word", ["version", "-v", "--version"])
def test_version_is_one_line(word, capsys):
    assert cli.main([word]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_no_word_and_help_show_the_same_text(capsys):
    assert cli.main([]) == 0
    first = capsys.readouterr().out
    assert cli.main(["--help"]) == 0
    assert capsys.readouterr().out == first
    assert "yolo segment train data=" in first


def test_cfg_prints_and_copy_cfg_writes_without_replacing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["cfg"]) == 0
    assert capsys.readouterr().out == default_yaml()
    assert cli.main(["copy-cfg"]) == 0
    (tmp_path / "default_copy.yaml").write_text("epochs: 3\n")
    assert cli.main(["copy-cfg"]) == 0
    assert (tmp_path / "default_copy.yaml").read_text() == "epochs: 3\n"
    assert (tmp_path / "default_copy2.yaml").read_text() == default_yaml()
    assert "cfg=default_copy2.yaml" in capsys.readouterr().out


def test_settings_show_change_and_reset(capsys, config_dir):
    assert cli.main(["settings"]) == 0
    head, _, body = capsys.readouterr().out.partition("\n")
    assert Path(head) == config_dir / "settings.json"
    assert json.loads(body)["runs_dir"] == "runs"
    assert cli.main(["settings", "runs_dir", "=", "/data/runs"]) == 0
    assert json.loads((config_dir / "settings.json").read_text())["runs_dir"] == "/data/runs"
    assert cli.main(["settings", "reset"]) == 0
    assert json.loads((config_dir / "settings.json").read_text())["runs_dir"] == "runs"
    assert cli.main(["settings", "runs_dri=1"]) == 1
    assert "Did you mean 'runs_dir'?" in capsys.readouterr().err


def test_checks_show_the_computer(capsys):
    assert cli.main(["checks"]) == 0
    out = capsys.readouterr().out
    assert __version__ in out
    assert "device=cpu" in out


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("train epochz=3", "yolo: there is no argument 'epochz'. Did you mean 'epochs'?"),
        ("xyz", "yolo: unknown word 'xyz'. `yolo help` shows how to write a command."),
        ("train epochs=many", "yolo: epochs expects a whole number, received many."),
        ("val", "yolo: val needs a model. Write model=FILE, for example "
         "model=runs/segment/train/weights/best.pt."),
        ("val dnn model=x.pt", None),
        ("export keras model=x.pt", None),
    ],
)  # fmt: skip
def test_error_is_one_sentence_and_exit_code_1(line, sentence, capsys):
    assert cli.main(line.split()) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    error = captured.err.strip().splitlines()
    assert len(error) == 1
    assert "Traceback" not in captured.err
    assert sentence is None or error == [sentence]
    assert "Traceback" in log_file().read_text()


def test_debug_variable_shows_the_traceback_too(capsys, monkeypatch):
    monkeypatch.setenv(cli.DEBUG_VARIABLE, "1")
    assert cli.main(["train", "epochz=3"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_unforeseen_error_names_the_log(capsys, monkeypatch):
    def broken(_command):
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr(cli, "run", broken)
    assert cli.main(["version"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == f"yolo: ZeroDivisionError: two lines (details in {log_file()})"
    assert "in broken" in log_file().read_text()


def test_interrupt_ends_with_130(capsys, monkeypatch):
    def interrupted(_command):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupted)
    assert cli.main(["version"]) == 130
    assert capsys.readouterr().err == "yolo: stopped\n"


def test_log_folder_that_cannot_be_written_stops_nothing(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MASKWRIGHT_CONFIG_DIR", str(tmp_path / "file"))
    assert cli.main(["version"]) == 0
    assert cli.main(["xyz"]) == 1
    assert "unknown word" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["version", "checks", "settings", "cfg", "copy-cfg"])
def test_special_words_speak_json(word, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main([word, "json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    held = {"version": "version", "checks": "checks", "settings": "runs_dir", "cfg": "epochs"}
    assert held.get(word, "path") in json.loads(line)


def test_json_of_the_settings_hides_secrets(capsys):
    assert cli.main(["settings", "api_key=abc", "json=True"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["api_key"] == "***"


@pytest.mark.parametrize("line", ["train epochz=3 json=True", "--json xyz"])
def test_an_error_is_json_too(line, capsys):
    assert cli.main(line.split()) == 1
    captured = capsys.readouterr()
    error = json.loads(captured.out.splitlines()[-1])["error"]
    assert error["type"] == "ConfigError"
    assert captured.err == f"yolo: {error['message']}\n"


def test_an_error_in_a_file_names_file_and_line(capsys, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("epochs: 3\nimgsz: [64\n")
    assert cli.main(["train", f"cfg={file}", "json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["path"], error["line"]) == (str(file), 3)


def test_help_on_a_mode_and_on_an_argument(capsys):
    assert cli.main(["train", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "epochs" in shown
    assert "vid_stride" not in shown
    assert cli.main(["help", "conf"]) == 0
    assert "in val: 0.001" in capsys.readouterr().out
    assert cli.main(["help", "epochz"]) == 1
    assert "Did you mean 'epochs'?" in capsys.readouterr().err


def test_quiet_shows_no_progress(capsys):
    assert cli.main(["version", "quiet"]) == 0
    assert LOGGER.level == logging.INFO  # the log file still keeps everything
    LOGGER.info("how far it is")
    LOGGER.warning("what is wrong")
    assert capsys.readouterr().err == "what is wrong\n"


def test_notes_are_shown_as_warnings(capsys):
    assert cli.main(["--val"]) == 1
    err = capsys.readouterr().err
    assert "'--val' is read as 'val'" in err
    assert LOGGER.level == logging.INFO


def test_json_is_strict_on_one_line():
    line = cli.format_json(
        {"path": Path("a"), "nan": float("nan"), "list": [1, (2.5, True)], "no": None}
    )
    assert json.loads(line) == {"path": "a", "nan": None, "list": [1, [2.5, True]], "no": None}
    assert "\n" not in line


def test_real_process_version_error_and_pipe(tmp_path):
    done = yolo("version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")
    failed = yolo("train", "epochz=3", cwd=tmp_path)
    assert failed.returncode == 1
    assert failed.stderr == "yolo: there is no argument 'epochz'. Did you mean 'epochs'?\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_closed_pipe_is_no_error(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "engine", "cfg"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_words_and_errors_load_no_torch():
    code = (
        "import sys; from engine import cli; "
        "codes = [cli.main(words) for words in (['version'], ['cfg'], ['checks'], ['train', 'epochz=1'])]; "
        "assert codes == [0, 0, 0, 1], codes; "
        "loaded = {'torch', 'cv2', 'matplotlib', 'PySide6'} & set(sys.modules); assert not loaded, loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
