"""The samples of our own documents: Python is run, page by page, and what is typed into a shell is understood.

The Python of a page runs from top to bottom in one namespace, as a reader would go on, with files of the names
used; runs are made small by ``CAPS`` in conftest.py. Of shell lines, `yolo` ones are read and checked as the
command does before it starts; that such commands run, the specification's samples show.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("*/*.md")),
]
# The reference's samples are docstrings', which have tests of their own rooms
DOCUMENTS = [page for page in _PAGES if page.stem != "python"]

# Files by the names that our pages use
FILES = {
    "yolo11n.pt": "model yolo11n.yaml",
    "yolo11n-seg.pt": "model yolo11n-seg.yaml",
    "best.pt": "model yolo11n.yaml",
    "best-seg.pt": "model yolo11n-seg.yaml",
    "best-pose.pt": "model yolo11n-pose.yaml",
    "best-obb.pt": "model yolo11n-obb.yaml",
    "best-cls.pt": "model yolo11n-cls.yaml",
    "runs/segment/train/weights/best.pt": "model yolo11n-seg.yaml",
    "data.yaml": "data outlines",
    "parts/data.yaml": "data outlines",
    "people/data.yaml": "data keypoints",
    "aerial/data.yaml": "data corners",
    "street/data.yaml": "data masks",
    "flowers": "classes",
    "pictures": "folder images/val",
    "images": "folder images/val",
    "images/unlabelled": "part images",
    "images/train": "folder images/val",
    "path/to/images": "part images",
    "coco/annotations": "coco",
    "a.jpg": "picture",
    "b.jpg": "picture",
    "zidane.jpg": "picture",
    "mobile_sam.pt": "segmenter",
    "sam_b.pt": "segmenter",
    "picture.jpg": "large",
    "data/images": "part images",
    "data/labels": "part labels",
    "folder": "folder images/val",
    "bus.jpg": "picture",
    "image.jpg": "picture",
    "photo.jpg": "picture",
    "road.mp4": "video",
}

# Whole pages whose samples run elsewhere
NOT_RUN_PAGES = {
    "yoloe": "needs a text encoder; tests/engine/models/yolo/yoloe runs the same calls with a small one",
    "translating": "lines out of the window's code",
}
# What a page takes for granted
BEFORE = {
    # a model that was trained on the classes of the labels
    "active_learning": "from engine import YOLO\nmodel = YOLO('runs/segment/train/weights/best.pt')\n"
    "model.model.names = {number: f'c{number}' for number in model.names}\n"
    "model.save('runs/segment/train/weights/best.pt')\n",
    "semseg": "from engine import YOLO\nmodel = YOLO('yolo11n-semseg.yaml').load('yolo11n-seg.pt')\n"
    "model.overrides['data'] = 'street/data.yaml'\n",
    "training": "from engine import YOLO\nmodel = YOLO('yolo11n-seg.pt')\n"
    "from engine.nn.tasks import DetectionModel\nOwnLoss = DetectionModel.init_criterion\n",
}
# Counts that CAPS does not reach
SMALLER = {"tuning": (("iterations=30", "iterations=1"),)}


def test_python_of_a_page_runs(document, sample_folder, run_python):
    blocks = [block for block in document if block.language == "python"]
    page = document[0].file.stem
    if not blocks or page in NOT_RUN_PAGES:
        pytest.skip(NOT_RUN_PAGES.get(page, "no Python on this page"))
    before = BEFORE.get(page, "")
    text = before + "\n".join(block.text for block in blocks)
    sample_folder({name: kind for name, kind in FILES.items() if name in text})
    names = run_python(before, page, {})
    for block in blocks:
        small = block.text
        for large, less in SMALLER.get(page, ()):
            small = small.replace(large, less)
        run_python(small, block.key, names)


def test_yolo_lines_of_a_page_are_understood(document, sample_folder):
    from engine.cfg.command_line import parse

    lines = [
        line for block in document if block.is_shell for line in block.text.splitlines() if line
    ]
    if not lines:
        pytest.skip("no shell on this page")
    sample_folder({})
    for line in lines:
        words = shlex.split(line, comments=True)
        if words:
            assert not parse(words[1:]).notes, line


def test_tables_name_pages_that_exist():
    stems = {page.stem for page in DOCUMENTS}
    assert set(NOT_RUN_PAGES) <= stems
    assert set(BEFORE) <= stems


def test_pages_are_linked_and_links_lead_somewhere():
    import re

    broken = []
    for page in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []
