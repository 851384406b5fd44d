"""Code samples of documents, run: where they are found, and the folder that they run in.

The specification speaks of files that everybody has: ``yolo11n.pt``, ``coco8.yaml``, ``path/to/images``. Each
sample runs in a folder of its own where files of these very names lie, small ones: networks of the right kind
whose weights are random but find something everywhere, six drawn pictures, a video of three frames. What a
sample asks for in numbers is made small by one override, :data:`CAPS`, laid over the arguments of every run.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CAPS = {"epochs": 1, "imgsz": 64, "batch": 2, "workers": 0, "plots": False, "device": "cpu"}
ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*$")


@dataclass(frozen=True)
class Block:
    """One fenced block of a document.

    Attributes:
        file: The document.
        line: 1-based line of its opening fence.
        language: What it says it is in; empty where it says nothing.
        text: What stands in it, without common indentation.
    """

    file: Path
    line: int
    language: str
    text: str

    @property
    def key(self) -> str:
        """The document's stem and the line: how tables name the block."""
        return f"{self.file.stem}:{self.line}"

    @property
    def is_shell(self) -> bool:
        """Whether it is typed into a shell."""
        lines = [line for line in self.text.splitlines() if line and not line.startswith("#")]
        return bool(lines) and all(line.startswith("yolo ") for line in lines)


def read_blocks(file: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown document."""
    blocks: list[Block] = []
    start, language, held = 0, "", []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and not start:
            start, language, held = number, fence["language"], []
        elif fence:
            blocks.append(Block(file, start, language, textwrap.dedent("\n".join(held))))
            start = 0
        elif start:
            held.append(line)
    return blocks


def python_of(text: str) -> str:
    """Return Python without the prompts of a session."""
    lines = text.splitlines()
    if not any(line.startswith(">>> ") for line in lines):
        return text
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... ")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes a ``block`` every block of its module's DOCUMENTS, one text once; or the ``document``."""
    if "document" in metafunc.fixturenames:
        documents = {file: read_blocks(file) for file in metafunc.module.DOCUMENTS}
        named = [pytest.param(b, id=f.stem) for f, b in documents.items() if b]
        metafunc.parametrize("document", named)
    if "block" not in metafunc.fixturenames:
        return
    found: dict[str, Block] = {}
    for file in metafunc.module.DOCUMENTS:
        for block in read_blocks(file) if file.exists() else ():
            if metafunc.module.is_sample(block):
                found.setdefault(block.text, block)
    metafunc.parametrize("block", [pytest.param(b, id=b.key) for b in found.values()])


@pytest.fixture(scope="session")
def larder(tmp_path_factory: pytest.TempPathFactory) -> Larder:
    """The files that samples speak of, each made when first asked for."""
    return Larder(tmp_path_factory.mktemp("larder"))


class Larder:
    """Makes networks, pictures and data sets once, under names of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[str, Path] = {}

    def get(self, kind: str) -> Path:
        """Return the file or folder of one kind, such as ``model yolo11n-seg.yaml`` or ``video``."""
        if kind not in self._made:
            word, _, rest = kind.partition(" ")
            self._made[kind] = _MAKERS[word](self, rest)
        return self._made[kind]


def _pictures(larder: Larder, _rest: str) -> Path:
    """A data set of outlines with 80 class names: four pictures to train, two to validate."""
    import cv2
    import numpy as np

    root = larder.folder / "outlines"
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for kind in ("images", "labels", "masks"):
            (root / kind / split).mkdir(parents=True)
        for number in range(count):
            picture = generator.integers(0, 60, (64, 64, 3), dtype=np.uint8)
            x, y = (int(v) for v in generator.integers(4, 30, 2))
            picture[y : y + 24, x : x + 24] = 220
            mask = np.zeros((64, 64), np.uint8)
            mask[y : y + 24, x : x + 24] = number % 2 + 1
            cv2.imwrite(str(root / "images" / split / f"{number}.jpg"), picture)
            cv2.imwrite(str(root / "masks" / split / f"{number}.png"), mask)
            corners = ((x, y), (x + 24, y), (x + 24, y + 24), (x, y + 24))
            points = " ".join(f"{px / 64:.5f} {py / 64:.5f}" for px, py in corners)
            (root / "labels" / split / f"{number}.txt").write_text(f"{number % 2} {points}\n")
    return root


def _boxes(larder: Larder, _rest: str) -> Path:
    """A folder with ``images`` and ``labels`` beside one another, of boxes."""
    import shutil

    root = larder.folder / "boxes"
    shutil.copytree(larder.get("pictures") / "images" / "train", root / "images")
    (root / "labels").mkdir()
    for picture in (root / "images").iterdir():
        (root / "labels" / f"{picture.stem}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    return root


def _data(larder: Larder, kind: str) -> Path:
    """A data.yaml: of outlines or masks, or, with labels of their own, of keypoints or corners."""
    root = larder.get("pictures")
    names, extra = [f"c{i}" for i in range(80)], ""
    if kind == "masks":
        names, extra = names[:19], "masks_dir: masks\n"
    elif kind in _LINES:
        root = larder.get(f"relabelled {kind}")
    if kind == "keypoints":
        names, extra = names[:1], f"kpt_shape: [17, 3]\nflip_idx: {list(range(17))}\n"
    file = larder.folder / f"{kind}.yaml"
    file.write_text(
        f"path: {root}\ntrain: images/train\nval: images/val\n{extra}names: [{', '.join(names)}]\n"
    )
    return file


# One object as the labels of a task write it
_LINES = {
    "keypoints": "0 0.5 0.5 0.4 0.4 " + " ".join("0.5 0.5 2" for _ in range(17)) + "\n",
    "corners": "0 0.3 0.3 0.7 0.3 0.7 0.7 0.3 0.7\n",
}


def _relabelled(larder: Larder, kind: str) -> Path:
    """The pictures with labels of another kind."""
    import shutil

    root = larder.folder / f"pictures_of_{kind}"
    shutil.copytree(larder.get("pictures"), root)
    for label in root.glob("labels/*/*.txt"):
        label.write_text(_LINES[kind])
    return root


def _classes(larder: Larder, _rest: str) -> Path:
    """A folder of classes: two, with two pictures to train and one to validate each."""
    import shutil

    root = larder.folder / "classes"
    pictures = sorted((larder.get("pictures") / "images" / "train").iterdir())
    for split, kept in (("train", pictures[:2]), ("val", pictures[2:3])):
        for name in ("rose", "tulip"):
            (root / split / name).mkdir(parents=True)
            for picture in kept:
                shutil.copy(picture, root / split / name / picture.name)
    return root


def _model(larder: Larder, description: str) -> Path:
    """A network of random weights that finds something everywhere, and remembers its data and a size of 64."""
    import torch

    from engine import YOLO

    model = YOLO(description)
    with torch.no_grad():
        for name, parameter in model.model.named_parameters():
            if re.search(r"cv3\.\d\.2\.bias$", name):
                parameter.fill_(0.5)  # every place is a thing, with a confidence of 0.62
    kind = _DATA_OF.get(model.task, "data outlines")
    model.overrides |= {"data": str(larder.get(kind)), "imgsz": 64}
    return model.save(larder.folder / Path(description).with_suffix(".pt").name)


def _segmenter(larder: Larder, _rest: str) -> Path:
    """MobileSAM's network, but small, of random weights: its file tells what it is, whatever its name."""
    import torch

    from engine.models.sam.architectures import ARCHITECTURES, Architecture, build
    from engine.nn.modules.tiny_vit import TinyViT

    sizes = {"img_size": 256, "dims": (16, 24, 32, 48), "depths": (1, 1, 1, 1), "out": 64}
    ARCHITECTURES["tiny_sam"] = Architecture(
        TinyViT,
        {**sizes, "heads": (1, 2, 2, 3), "windows": (7, 7, 7, 7)},
        ("image_encoder.patch_embed.seq.0.c.weight", (8, 3, 3, 3)),
        "for samples",
        {"dim": 64, "heads": 4, "hidden": 128},
    )
    torch.manual_seed(0)
    file = larder.folder / "segmenter.pt"
    torch.save(build("tiny_sam").state_dict(), file)
    return file


_DATA_OF = {
    "semseg": "data masks",
    "pose": "data keypoints",
    "obb": "data corners",
    "classify": "classes",
}


def _video(larder: Larder, _rest: str) -> Path:
    """Three frames of 64 by 64."""
    import cv2

    file = larder.folder / "video.mp4"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 64))
    for picture in sorted((larder.get("pictures") / "images" / "train").iterdir())[:3]:
        writer.write(cv2.imread(str(picture)))
    writer.release()
    return file


def _picture(larder: Larder, _rest: str) -> Path:
    return larder.get("pictures") / "images" / "val" / "0.jpg"


def _large(larder: Larder, _rest: str) -> Path:
    """The picture, 1000 by 1000: for samples that name places in it."""
    import cv2

    file = larder.folder / "large.jpg"
    cv2.imwrite(str(file), cv2.resize(cv2.imread(str(larder.get("picture"))), (1000, 1000)))
    return file


def _folder(larder: Larder, which: str) -> Path:
    return larder.get("pictures") / which


def _part(larder: Larder, which: str) -> Path:
    return larder.get("boxes") / which


def _coco(larder: Larder, _rest: str) -> Path:
    """A folder with one small file of COCO annotations."""
    import json

    folder = larder.folder / "coco" / "annotations"
    folder.mkdir(parents=True)
    image = {"id": 1, "file_name": "000001.jpg", "width": 64, "height": 64}
    box = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [8, 8, 16, 16], "area": 256}
    content = {
        "images": [image],
        "annotations": [box | {"iscrowd": 0, "segmentation": [[8, 8, 24, 8, 24, 24, 8, 24]]}],
        "categories": [{"id": 3, "name": "car"}],
    }
    (folder / "instances_val2017.json").write_text(json.dumps(content))
    return folder


_MAKERS: dict[str, Callable[[Larder, str], Path]] = {
    "pictures": _pictures,
    "boxes": _boxes,
    "data": _data,
    "relabelled": _relabelled,
    "classes": _classes,
    "model": _model,
    "video": _video,
    "picture": _picture,
    "large": _large,
    "folder": _folder,
    "part": _part,
    "coco": _coco,
    "segmenter": _segmenter,
}


@pytest.fixture
def sample_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, larder: Larder
) -> Callable[[dict[str, str]], Path]:
    """Give a function that lays files of the larder under the names of a sample, and goes there."""

    def lay(files: dict[str, str]) -> Path:
        folder = tmp_path / "here"
        folder.mkdir()
        for name, kind in files.items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            _lay(larder.get(kind), place)
        monkeypatch.chdir(folder)
        return folder

    return lay


def _lay(source: Path, place: Path) -> None:
    """Link a model, which is large and never written to; copy the rest."""
    import shutil

    if source.is_dir():
        shutil.copytree(source, place)
    elif source.suffix == ".pt":
        place.symlink_to(source)
    else:
        shutil.copy(source, place)


@pytest.fixture
def small_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lay :data:`CAPS` over the arguments of every run, and open no window."""
    import cv2

    from engine.cfg.arguments import Arguments
    from engine.core import given

    resolve = given.resolve

    def small(*args: Any, **kwargs: Any) -> Arguments:
        arguments = resolve(*args, **kwargs)
        vars(arguments).update(CAPS)
        return arguments

    monkeypatch.setattr(given, "resolve", small)
    monkeypatch.setattr(cv2, "imshow", lambda *_: None)
    monkeypatch.setattr(cv2, "waitKey", lambda *_: -1)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return


@pytest.fixture
def run_python(small_runs: None) -> Callable[..., dict[str, Any]]:
    """Give a function that runs a sample in a namespace, which it returns."""

    def run(text: str, key: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
        names = {} if names is None else names
        names.setdefault("__name__", "__sample__")
        exec(compile(python_of(text), key, "exec"), names)
        return names

    return run


@pytest.fixture
def run_shell(small_runs: None, capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Give a function that runs each `yolo` line of a sample and expects success."""
    from engine import cli

    def run(text: str) -> None:
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                assert words[0] == "yolo"
                code = cli.main(words[1:])
                assert code == 0, f"{line}\n{capsys.readouterr().err}"

    return run
