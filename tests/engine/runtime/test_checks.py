from __future__ import annotations

import logging
from importlib import metadata

import pytest

from engine.runtime import checks as room
from engine.runtime import dist
from engine.runtime.checks import Check, checks, collect, format_report


def test_report_names_what_support_needs(monkeypatch, tmp_path):
    monkeypatch.setenv("MASKWRIGHT_CONFIG_DIR", str(tmp_path))
    found = {check.name: check for check in collect()}
    assert {"maskwright", "Python", "Processor", "Memory", "Disk here", "device=cpu"} <= set(found)
    assert found["Settings and log"].value == str(tmp_path)
    text = format_report(list(found.values()))
    assert "\nDevices\n" in text
    assert "GiB" in text


def test_folder_that_cannot_be_made_is_a_problem(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MASKWRIGHT_CONFIG_DIR", str(tmp_path / "file" / "config"))
    with caplog.at_level(logging.INFO, "engine"):
        assert checks(verbose=False) is False
    assert "set MASKWRIGHT_CONFIG_DIR" in caplog.text
    assert "Processor" not in caplog.text


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("torch>=2.6", ("torch", "2.6", "")),
        ("onnxslim>=0.1.50; extra == 'export'", ("onnxslim", "0.1.50", "export")),
        ("pillow", ("pillow", "", "")),
        ("a[b]>=1,<3 ; python_version > '3'", ("a", "1", "")),
    ],
)
def test_requirement_lines(line, parsed):
    assert room._parse_requirement(line) == parsed


def test_requirements_are_compared_with_what_is_installed():
    version = metadata.version("pytest")
    assert room._requirement("pytest", "1.0", "") == Check("pytest", version, group="Packages")
    assert room._requirement("pytest", "999", "").remedy == "pip install 'pytest>=999'"
    assert room._requirement("no-such-thing", "1", "").status == "problem"
    extra = room._requirement("no-such-thing", "1", "export")
    assert (extra.status, extra.remedy) == ("optional", "pip install 'maskwright[export]'")


def test_versions_compare_by_number():
    assert room._release("2.10.0+cpu") > room._release("2.9")
    assert room._release("2.6.0") == room._release("2.6")


def test_rank_of_a_lone_and_of_a_launched_process(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert (dist.rank(), dist.local_rank(), dist.world_size(), dist.is_main()) == (-1, -1, 1, True)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert (dist.rank(), dist.local_rank(), dist.world_size(), dist.is_main()) == (1, 1, 4, False)
