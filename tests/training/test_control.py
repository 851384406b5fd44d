from __future__ import annotations

import json
import os

from engine.training.control import ControlFile


def _say(path, command):
    path.write_text(json.dumps({"command": command}))


def test_commands_are_read_and_consumed(tmp_path):
    path = tmp_path / "control.json"
    control = ControlFile(path)
    assert control.command(now=True) == "run"
    for command in ("pause", "stop_after_epoch", "stop"):
        _say(path, command)
        assert control.command(now=True) == command
    control.consume()
    assert not path.exists()
    assert control.command(now=True) == "run"


def test_a_command_of_an_earlier_process_is_not_obeyed(tmp_path):
    path = tmp_path / "control.json"
    _say(path, "stop")
    os.utime(path, (1_000_000, 1_000_000))
    assert ControlFile(path).command(now=True) == "run"


def test_a_half_written_or_unknown_command_changes_nothing(tmp_path):
    path = tmp_path / "control.json"
    control = ControlFile(path)
    _say(path, "pause")
    assert control.command(now=True) == "pause"
    path.write_text('{"comm')
    assert control.command(now=True) == "pause"
    _say(path, "dance")
    assert control.command(now=True) == "pause"
    path.write_text("[]")
    assert control.command(now=True) == "pause"


def test_the_file_is_not_looked_at_more_often_than_its_interval(tmp_path):
    path = tmp_path / "control.json"
    control = ControlFile(path)
    control.command(now=True)
    _say(path, "stop")
    assert control.command() == "run"
    assert control.command(now=True) == "stop"
