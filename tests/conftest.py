"""Fixtures that more than one room's tests need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of reference data beside the repository; the test is skipped where it is missing."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "datasets").is_dir():
        pytest.skip("the shared reference data is not beside the repository")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_config_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep fixtures that live longer than one test away from the settings of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKWRIGHT_CONFIG_DIR", str(tmp_path_factory.mktemp("session_config")))
        yield


@pytest.fixture(autouse=True)
def config_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh, empty folder of settings and log for each test."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("MASKWRIGHT_CONFIG_DIR", str(folder))
    return folder
