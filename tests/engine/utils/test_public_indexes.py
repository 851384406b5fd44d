from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import engine.utils

MODULES = [
    "engine.utils",
    *(f"engine.utils.{m.name}" for m in pkgutil.iter_modules(engine.utils.__path__)),
]


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_an_index_exists(module):
    index = importlib.import_module(module)
    assert index.__all__
    for name in index.__all__:
        assert getattr(index, name) is not None
        assert name in dir(index)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = index.no_such_name


def test_the_indexes_load_nothing_heavy():
    code = f"import sys, {', '.join(MODULES)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_documented_imports_work():
    from engine.utils.instance import Bboxes
    from engine.utils.ops import make_divisible, segments2boxes, xyxy2xywh
    from engine.utils.plotting import Annotator, colors

    assert make_divisible(7, 3) == 9
    assert segments2boxes([np.array([[0.0, 0], [4, 2]])]).tolist() == [[2, 1, 4, 2]]
    assert xyxy2xywh(Bboxes(np.array([[0.0, 0, 4, 2]])).bboxes).tolist() == [[2, 1, 4, 2]]
    annotator = Annotator(np.zeros((60, 80, 3), np.uint8), line_width=None, font="Arial.ttf")
    annotator.box_label([10, 20, 50, 50], "00:person", color=colors(0, bgr=True))
    assert annotator.result().any()
