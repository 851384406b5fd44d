"""Small files with seeded damage: nothing but a sentence, or a model, may come of any of them."""

import random
import zipfile

import pytest
import torch

from engine.nn.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from engine.nn.tasks import DetectionModel
from engine.runtime.errors import CheckpointError

TINY = {
    "backbone": [[-1, 1, "Conv", [8, 3, 2]], [-1, 1, "C3k2", [8, False, 0.25]]],
    "head": [[[-1], 1, "Detect", ["nc"]]],
    "nc": 1,
}
# Instructions of pickles, so that changed ones often mean something
_CODES = b"R.bQcuatsed()]}{NKMJXqrhj\x81\x82\x85\x86\x87\x88\x93\x94"
_ROUNDS = 120
_LENGTHS = 40
_LONGEST_MESSAGE = 900


@pytest.fixture(scope="module")
def files(tmp_path_factory, write_foreign):
    """One file of every layout, by name."""
    folder = tmp_path_factory.mktemp("files")
    torch.manual_seed(0)
    model = DetectionModel(TINY, verbose=False)
    optimizer = {"state": {0: {"step": torch.ones(1)}}, "param_groups": [{"lr": 0.1}]}
    return {
        "ours": save_checkpoint(folder / "ours.pt", model, optimizer=optimizer, epoch=1),
        "foreign": write_foreign(model, folder / "foreign.pt"),
        "old": write_foreign(model, folder / "old.pt", legacy=True),
        "safetensors": save_checkpoint(folder / "a.safetensors", model),
    }


def _load(path):
    """Load, and give the message where that fails as it should."""
    try:
        assert isinstance(load_checkpoint(path), Checkpoint)
    except CheckpointError as error:
        told = str(error)
    else:
        return ""
    assert str(path) in told
    assert 20 < len(told) < _LONGEST_MESSAGE
    assert "Traceback" not in told
    return told


@pytest.mark.parametrize("name", ["ours", "foreign", "old", "safetensors"])
def test_the_files_are_fine_to_begin_with(files, name):
    assert _load(files[name]) == ""


@pytest.mark.parametrize("name", ["ours", "foreign", "old", "safetensors"])
def test_no_part_of_a_file_is_taken_for_all_of_it(files, name, tmp_path):
    content = files[name].read_bytes()
    path = tmp_path / files[name].name
    for number in range(_LENGTHS):
        path.write_bytes(content[: len(content) * number // _LENGTHS])
        assert _load(path)
    path.write_bytes(content[:-1])
    assert _load(path)


@pytest.mark.parametrize("name", ["ours", "foreign", "old", "safetensors"])
def test_damage_anywhere_ends_in_a_sentence_or_a_model(files, name, tmp_path):
    content = files[name].read_bytes()
    path = tmp_path / files[name].name
    for seed in range(_ROUNDS):
        path.write_bytes(_damaged(content, random.Random(seed), near=20_000))
        _load(path)


@pytest.mark.parametrize("name", ["ours", "foreign"])
def test_damage_in_the_pickle_alone_ends_in_a_sentence_or_a_model(files, name, tmp_path):
    """The checksum of the zip is right again: only reading the pickle can notice."""
    path = tmp_path / files[name].name
    messages = set()
    for seed in range(_ROUNDS):
        generator = random.Random(seed)
        with zipfile.ZipFile(files[name]) as archive, zipfile.ZipFile(path, "w") as out:
            for part in archive.infolist():
                content = archive.read(part)
                is_pickle = part.filename.endswith("data.pkl")
                out.writestr(part.filename, _damaged(content, generator) if is_pickle else content)
        messages.add(_load(path))
    assert len(messages) > _ROUNDS // 4


def _damaged(content, generator, near=None):
    """Change a few bytes, or take out, repeat or swap a piece."""
    made, end = bytearray(content), min(near or len(content), len(content))
    kind, place = generator.random(), generator.randrange(end)
    length = generator.randrange(1, 50)
    if kind < 0.15:
        del made[place : place + length]
    elif kind < 0.3:
        made[place:place] = content[generator.randrange(end) :][:length]
    else:
        for _ in range(generator.randrange(1, 6)):
            place = generator.randrange(end)
            other = generator.choice((generator.randrange(256), generator.choice(_CODES)))
            made[place] = other
    return bytes(made)
