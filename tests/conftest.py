"""Fixtures that more than one room's tests need."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.hang_watch import HangWatch

# No time limits on a busy computer, the same examples each time, no folder of old ones beside the code.
settings.register_profile("maskwright", deadline=None, derandomize=True, database=None)
settings.load_profile("maskwright")

# Texts are looked for in English, whatever the person who runs the tests reads; tables are made at import.
os.environ["MASKWRIGHT_LANGUAGE"] = "en"


_watches = pytest.StashKey[HangWatch]()
# Longer than a test may take (pyproject.toml), shorter than the limit at which all stacks are written in Python's way.
_HANG_S = float(os.environ.get("MASKWRIGHT_HANG_S", "630"))


def pytest_configure(config: pytest.Config) -> None:
    """Have the run watched from outside; what is found goes to where errors go, not among a test's output."""
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        config.stash[_watches] = HangWatch(_HANG_S)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Tell the watch that the tests go on."""
    item.config.stash[_watches].beat()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the watch."""
    config.stash[_watches].close()


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


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_heard() -> None:
    """Undo what a shell does to jobs in the background: Ctrl+C is ignored there, and by all that the tests start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def config_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh, empty folder of settings and log for each test; nothing is fetched from the network."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("MASKWRIGHT_CONFIG_DIR", str(folder))
    monkeypatch.setenv("MASKWRIGHT_OFFLINE", "1")
    return folder


@pytest.fixture(scope="session")
def drawn_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data.yaml of six pictures, 64 by 64, of one bright square each, with its outline as label."""
    import cv2
    import numpy as np

    root = tmp_path_factory.mktemp("drawn_parts")
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for number in range(count):
            picture = generator.integers(0, 60, (64, 64, 3), dtype=np.uint8)
            x, y = (int(v) for v in generator.integers(4, 30, 2))
            picture[y : y + 24, x : x + 24] = 220
            cv2.imwrite(str(root / "images" / split / f"{number}.png"), picture)
            corners = ((x, y), (x + 24, y), (x + 24, y + 24), (x, y + 24))
            points = " ".join(f"{px / 64:.5f} {py / 64:.5f}" for px, py in corners)
            (root / "labels" / split / f"{number}.txt").write_text(f"0 {points}\n")
    file = root / "data.yaml"
    file.write_text(f"path: {root}\ntrain: images/train\nval: images/val\nnames:\n  0: square\n")
    return file


@pytest.fixture(scope="session")
def square_model(drawn_parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A segmentation model that knows a square when it sees one, trained for seconds; tests must not change it."""
    from engine import YOLO

    model = YOLO("yolo11n-seg.yaml")
    still = dict.fromkeys(("mosaic", "scale", "translate", "hsv_h", "hsv_s", "hsv_v"), 0)
    model.train(
        data=str(drawn_parts), epochs=80, val=False, save=False, batch=2, imgsz=64, device="cpu", plots=False,
        verbose=False, project=str(tmp_path_factory.mktemp("trained")), name="run", **still,
    )  # fmt: skip
    return model


@pytest.fixture(scope="session")
def drawn_darts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data.yaml of six pictures, 64 by 64, of one dart each: a tip, a red left and a blue right corner.

    Keypoints: tip, left, right. A mirror makes left of right.
    """
    import cv2
    import numpy as np

    root = tmp_path_factory.mktemp("drawn_darts")
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for number in range(count):
            picture = generator.integers(0, 60, (64, 64, 3), dtype=np.uint8)
            x, y = (int(v) for v in generator.integers(4, 30, 2))
            points = np.array([(x + 14, y), (x, y + 28), (x + 28, y + 28)])
            cv2.fillPoly(picture, [points], (210, 210, 210))
            for corner, ink in zip(points[1:], ((0, 0, 255), (255, 0, 0)), strict=True):
                cv2.circle(picture, corner.tolist(), 4, ink, -1)
            cv2.imwrite(str(root / "images" / split / f"{number}.png"), picture)
            box = np.array([x + 14, y + 14, 28, 28]) / 64
            numbers = [*box, *(v for p in points / 64 for v in (*p, 2))]
            line = " ".join(f"{v:.5f}" for v in numbers)
            (root / "labels" / split / f"{number}.txt").write_text(f"0 {line}\n")
    file = root / "data.yaml"
    file.write_text(
        f"path: {root}\ntrain: images/train\nval: images/val\nkpt_shape: [3, 3]\n"
        "flip_idx: [0, 2, 1]\nnames:\n  0: dart\n"
    )
    return file


@pytest.fixture(scope="session")
def colored_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classification data set: folders blue, green and red, 4 train and 2 val pictures each, 40 x 56."""
    import cv2
    import numpy as np

    root = tmp_path_factory.mktemp("colored_classes")
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for channel, name in enumerate(("blue", "green", "red")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                picture = generator.integers(0, 70, (40, 56, 3), dtype=np.uint8)
                picture[..., channel] += 150
                cv2.imwrite(str(folder / f"{number}.png"), picture)
    return root


@pytest.fixture(scope="session")
def colored_fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data.yaml of a data set with a class a pixel: 6 train and 3 val pictures, 64 x 48, with masks.

    Classes sky (blue), grass (green) and house (red); a stripe of 3 pixels on the left is 255, of no class.
    Tests must not change it.
    """
    import cv2
    import numpy as np

    root = tmp_path_factory.mktemp("colored_fields")
    generator = np.random.default_rng(0)
    inks = np.array(((200, 60, 40), (40, 190, 60), (50, 40, 210)), dtype=np.uint8)
    for split, count in (("train", 6), ("val", 3)):
        for kind in ("images", "masks"):
            (root / kind / split).mkdir(parents=True)
        for number in range(count):
            horizon, left = (int(v) for v in generator.integers((16, 8), (32, 40)))
            classes = np.ones((48, 64), np.uint8)
            classes[:horizon] = 0
            classes[horizon - 10 : horizon + 6, left : left + 18] = 2
            picture = inks[classes] + generator.integers(0, 30, (48, 64, 1), dtype=np.uint8)
            classes[:, :3] = 255
            cv2.imwrite(str(root / "images" / split / f"{number}.png"), picture)
            cv2.imwrite(str(root / "masks" / split / f"{number}.png"), classes)
    file = root / "data.yaml"
    names = "names: [sky, grass, house]"
    file.write_text(
        f"path: {root}\ntrain: images/train\nval: images/val\nmasks_dir: masks\n{names}\n"
    )
    return file


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    """Keep torch to one thread where a test has loaded it: several test processes share the cores."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def parts_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data.yaml of a small generated segmentation data set: 12 train, 4 val and 2 unlabelled pictures.

    Four classes (nut, bolt, washer, gear), 160 x 120 pixels. Tests must not change it.
    """
    from engine.data.synthetic.sample import write_sample

    folder = tmp_path_factory.mktemp("parts")
    return write_sample(folder, 18, seed=0, size=(160, 120), unlabelled=2, val=0.25).yaml_file


@pytest.fixture(scope="session")
def text_encoder_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TorchScript text encoder with MobileCLIP's interface: tokens (N, 77) to (N, 512), random weights."""
    import warnings

    import torch
    from torch import nn

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(49408, 16)
            self.place = nn.Parameter(torch.randn(77, 16))
            self.project = nn.Linear(16, 512)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            end = tokens.argmax(dim=1)  # the end mark has the highest number
            inside = torch.arange(77, device=tokens.device)[None] <= end[:, None]
            values = (self.embedding(tokens) + self.place).sin() * inside[..., None]
            return self.project(values.sum(1))

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("text") / "small.ts"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit", FutureWarning)
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        torch.jit.script(Encoder().eval()).save(str(path))
    return path
