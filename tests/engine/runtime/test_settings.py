from __future__ import annotations

import json
import logging
import multiprocessing
from pathlib import Path

import pytest

from engine.runtime.errors import ConfigError
from engine.runtime.paths import data_dir
from engine.runtime.settings import SettingsManager, settings
from engine.runtime.settings_schema import SETTINGS, Setting

SPEC_KEYS = [
    "settings_version",
    "datasets_dir",
    "weights_dir",
    "runs_dir",
    "uuid",
    "sync",
    "api_key",
    "clearml",
    "comet",
    "dvc",
    "hub",
    "mlflow",
    "neptune",
    "raytune",
    "tensorboard",
    "wandb",
    "vscode_msg",
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def stored(file: Path) -> dict:
    return json.loads(file.read_text())


def test_first_use_makes_the_file_with_every_key_of_the_specification(file):
    manager = SettingsManager(file)
    assert manager["runs_dir"] == "runs"
    assert set(SPEC_KEYS) <= set(stored(file))
    assert len(manager["uuid"]) == 32
    assert manager["sync"] is False
    assert dict(manager) == stored(file)


def test_every_setting_has_help_and_a_valid_default():
    for setting in SETTINGS:
        assert len(setting.help) > 20, setting.name
        value = setting.fresh()
        assert setting.check(value) == value


def test_update_writes_and_survives(file):
    SettingsManager(file).update({"runs_dir": Path("/a/b")}, tensorboard=False)
    again = SettingsManager(file)
    assert again["runs_dir"] == "/a/b"
    assert again.folder("runs_dir").is_absolute()
    again["weights_dir"] = "w"
    assert stored(file)["weights_dir"] == "w"
    assert again.get("nothing") is None


def test_update_is_all_or_nothing_and_suggests(file):
    manager = SettingsManager(file)
    with pytest.raises(ConfigError, match=r"'runs_dri'\. Did you mean 'runs_dir'\?"):
        manager.update({"weights_dir": "changed", "runs_dri": "x"})
    assert manager["weights_dir"] == str(data_dir() / "weights")
    with pytest.raises(ConfigError, match=r"tensorboard expects True or False, received 3"):
        manager.update({"tensorboard": 3})
    with pytest.raises(KeyError, match="Did you mean"):
        manager["run_dir"]


def test_text_from_a_command_line_becomes_the_type(file):
    manager = SettingsManager(file)
    manager.register(
        Setting("app.scale", float, 1.0, "Size of things in the window.", "Look", low=0.5, high=3)
    )
    manager.update({"sync": "false", "app.scale": "2"})
    assert manager["sync"] is False
    assert manager["app.scale"] == 2.0
    with pytest.raises(ConfigError, match=r"from 0\.5 to 3"):
        manager["app.scale"] = 9


def test_choices_are_checked(file):
    manager = SettingsManager(file)
    manager.register(
        Setting(
            "app.theme", str, "system", "Colours of the window.", "Look", choices=("system", "dark")
        )
    )
    assert manager["app.theme"] == "system"
    with pytest.raises(ConfigError, match="'system', 'dark'"):
        manager["app.theme"] = "pink"
    with pytest.raises(ConfigError, match="namespace"):
        manager.register(Setting("theme", str, "", "Colours.", "Look"))


def test_reset_and_delete_restore_defaults(file):
    manager = SettingsManager(file)
    manager.update({"runs_dir": "/x", "weights_dir": "/y"})
    del manager["weights_dir"]
    assert manager["weights_dir"] == str(data_dir() / "weights")
    manager.reset()
    assert stored(file)["runs_dir"] == "runs"


def test_clear_ends_at_the_defaults(file, monkeypatch):
    manager = SettingsManager(file)
    manager.update({"runs_dir": "/x"})

    def endless(name):
        raise AssertionError(f"{name} is deleted by itself")

    monkeypatch.setattr(SettingsManager, "__delitem__", lambda self, name: endless(name))
    manager.clear()
    assert stored(file)["runs_dir"] == "runs"


def test_a_copy_is_a_plain_dictionary(file):
    manager = SettingsManager(file)
    taken = manager.copy()
    assert type(taken) is dict
    assert taken == dict(manager)
    taken["runs_dir"] = "/elsewhere"
    assert manager["runs_dir"] == stored(file)["runs_dir"] == "runs"


def test_change_by_someone_else_is_seen(file):
    one, other = SettingsManager(file), SettingsManager(file)
    assert one["runs_dir"] == "runs"
    other["runs_dir"] = "/elsewhere"
    assert one["runs_dir"] == "/elsewhere"
    one["weights_dir"] = "/w"
    assert other["runs_dir"] == "/elsewhere"
    assert other["weights_dir"] == "/w"


def test_unknown_keys_are_kept_and_told_once(file, caplog):
    file.parent.mkdir()
    file.write_text(json.dumps({"runs_dir": "/r", "runs_dirr": 1, "studio.theme": "dark"}))
    manager = SettingsManager(file)
    with caplog.at_level(logging.WARNING, "engine"):
        manager["weights_dir"] = "/w"
        manager["weights_dir"] = "/v"
    assert [record.getMessage().count("runs_dirr") for record in caplog.records] == [1]
    assert stored(file)["runs_dirr"] == 1
    assert stored(file)["studio.theme"] == "dark"


def test_bad_value_in_the_file_falls_back_alone(file, caplog):
    file.parent.mkdir()
    file.write_text(json.dumps({"runs_dir": 5, "weights_dir": "/w"}))
    manager = SettingsManager(file)
    with caplog.at_level(logging.WARNING, "engine"):
        assert manager["runs_dir"] == "runs"
    assert manager["weights_dir"] == "/w"
    assert "expects text, received 5" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_damaged_file_is_moved_aside(file, caplog, content):
    file.parent.mkdir()
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING, "engine"):
        assert SettingsManager(file)["runs_dir"] == "runs"
    assert (file.parent / "settings.damaged.json").read_bytes() == content
    assert stored(file)["runs_dir"] == "runs"
    assert "is damaged" in caplog.text


def test_folder_that_cannot_be_written_costs_only_permanence(tmp_path, caplog):
    (tmp_path / "taken").write_text("a file where the folder should be")
    manager = SettingsManager(tmp_path / "taken" / "settings.json")
    with caplog.at_level(logging.WARNING, "engine"):
        manager["runs_dir"] = "/r"
    assert manager["runs_dir"] == "/r"
    assert caplog.text.count("cannot be written") == 1


def test_switch_without_effect_is_named(file, caplog):
    with caplog.at_level(logging.WARNING, "engine"):
        SettingsManager(file).update({"raytune": True})
    assert "raytune is kept but has no effect" in caplog.text


def test_print_shows_path_and_json_but_no_secret(file):
    manager = SettingsManager(file)
    manager["api_key"] = "s3cret"
    text = str(manager)
    assert text.startswith(str(file))
    assert '"runs_dir": "runs"' in text
    assert "s3cret" not in text
    assert stored(file)["api_key"] == "s3cret"


def _set_many(file: Path, name: str, count: int) -> None:
    manager = SettingsManager(file)
    for number in range(count):
        manager[name] = f"/{number}"


def test_two_processes_lose_no_change(file):
    SettingsManager(file).save()
    context = multiprocessing.get_context("spawn")
    names = ("runs_dir", "weights_dir")
    processes = [context.Process(target=_set_many, args=(file, name, 30)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert [stored(file)[name] for name in names] == ["/29", "/29"]


@pytest.mark.parametrize("content", [None, "{damaged"])
def test_a_reader_does_not_write_over_what_another_process_has_just_written(
    file, monkeypatch, content
):
    """The other comes between the look at the file and what the reader makes of it."""
    if content is not None:
        file.parent.mkdir()
        file.write_text(content)
    read_text = Path.read_text

    def read_and_be_late(path, *args, **kwargs):
        try:
            return read_text(path, *args, **kwargs)
        finally:
            monkeypatch.setattr(Path, "read_text", read_text)
            SettingsManager(file).update({"runs_dir": "/mine"})

    monkeypatch.setattr(Path, "read_text", read_and_be_late)
    manager = SettingsManager(file)
    assert manager["runs_dir"] == "/mine"
    assert stored(file)["runs_dir"] == "/mine"
    assert len(list(file.parent.glob("*.damaged*"))) == (content is not None)


def test_the_shared_object_follows_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("MASKWRIGHT_CONFIG_DIR", str(tmp_path / "one"))
    settings.update({"runs_dir": "/one"})
    monkeypatch.setenv("MASKWRIGHT_CONFIG_DIR", str(tmp_path / "two"))
    assert settings["runs_dir"] == "runs"
    assert settings.path == tmp_path / "two" / "settings.json"
