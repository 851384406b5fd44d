"""One small trained model for all tests of this room."""

from __future__ import annotations

import pytest

from engine import YOLO


@pytest.fixture(scope="session")
def trained(square_model):
    """The model of squares; copies of its file serve the tests."""
    return square_model


@pytest.fixture
def model(trained):
    return YOLO(trained.ckpt_path)
