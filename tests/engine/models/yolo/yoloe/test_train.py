"""The trainings of open-vocabulary models: what learns, what is asked, what comes out."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine import YOLOE
from engine.data.synthetic.phrases import write_phrase_set
from engine.models.yolo.segment import SegmentationTrainer
from engine.models.yolo.yoloe import (
    YOLOEPESegTrainer,
    YOLOEPETrainer,
    YOLOESegTrainer,
    YOLOESegTrainerFromScratch,
    YOLOESegVPTrainer,
    YOLOETrainer,
    YOLOETrainerFromScratch,
    YOLOEVPTrainer,
)
from engine.nn.checkpoint import load_checkpoint
from engine.runtime.errors import ConfigError, DatasetError, MissingCheckpointError, ModelError

_found = importlib.util.spec_from_file_location("tiny_yoloe", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_found)
_found.loader.exec_module(tiny)

PHRASES = ("red nut", "blue bolt", "green gear", "red gear")
TRAINERS = (YOLOESegTrainer, YOLOEPESegTrainer, YOLOESegTrainerFromScratch, YOLOESegVPTrainer)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep tests that run beside one another from fighting for cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four training pictures of three phrases, two to measure on; "red gear" is held back."""
    folder = tmp_path_factory.mktemp("phrases")
    return write_phrase_set(
        folder, 4, 2, size_wh=(64, 64), phrases=PHRASES, held_back=("red gear",)
    )


@pytest.fixture(scope="module")
def descriptions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Descriptions of tiny networks, by their head."""
    folder = tmp_path_factory.mktemp("tiny")
    heads = ("YOLOEDetect", "YOLOESegment", "YOLOESegment26")
    return {head: tiny.write_description(folder, head) for head in heads}


@pytest.fixture(scope="module")
def train(data: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., YOLOE]:
    """Train a model for one epoch; keyword arguments change the training's."""

    def run(model: str | Path, trainer: type | None = None, **changes: Any) -> YOLOE:
        yoloe = YOLOE(model)
        yoloe.text_encoder = changes.pop("encoder", None) or tiny.WordSums()
        how = {"data": str(data["known"]), "epochs": 1, "batch": 2, "imgsz": 64, "device": "cpu"}
        how |= {"plots": False, "project": str(tmp_path_factory.mktemp("runs")), "verbose": False}
        yoloe.train(trainer=trainer, **{**how, **changes})
        return yoloe

    return run


@pytest.fixture(scope="module")
def full(train: Callable[..., YOLOE], descriptions: dict[str, Path]) -> YOLOE:
    """A model with masks after a training on words."""
    return train(descriptions["YOLOESegment"], plots=True)


@pytest.fixture(scope="module")
def trained_file(full: YOLOE) -> Path:
    """Its file."""
    return full.trainer.best


def columns(model: YOLOE) -> list[str]:
    with model.trainer.csv.open() as file:
        return [name.strip() for name in next(csv.reader(file))]


def state(path: Path) -> dict[str, Tensor]:
    return load_checkpoint(path).model.state_dict()


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    """Name the tensors of a model file that a training has moved, beyond the rounding to half precision."""
    return {
        name
        for name, tensor in after.items()
        if name in before and name != "pe" and not torch.equal(before[name], tensor)
    }


# On words


def test_losses_are_named_as_the_document_says(full: YOLOE) -> None:
    assert isinstance(full.trainer, YOLOESegTrainer)
    assert full.trainer.loss_names == ("box", "seg", "cls", "dfl")
    assert {"train/box", "train/seg", "train/cls", "train/dfl", "val/seg"} <= set(columns(full))


def test_all_of_the_network_learns_from_words(full: YOLOE) -> None:
    network = full.trainer.model
    assert all(p.requires_grad for n, p in network.named_parameters() if ".dfl" not in n)
    moved = network.head.reprta.m.w3.weight
    assert moved.abs().sum() > 0  # it starts from zeros


def test_a_phrase_is_encoded_once(full: YOLOE) -> None:
    asked = full.trainer.text_encoder.asked
    assert sorted(asked) == sorted(set(asked)) == sorted(PHRASES[:3])


def test_the_file_knows_the_classes_and_takes_others(
    trained_file: Path, data: dict[str, Path]
) -> None:
    model = YOLOE(trained_file)
    assert list(model.names.values()) == list(PHRASES[:3])
    model.text_encoder = encoder = tiny.WordSums()
    expected = model.get_text_pe(list(PHRASES[:3]))
    assert torch.allclose(model.model.pe, expected, atol=2e-3)  # stored in half precision
    picture = next((data["images"]).iterdir())
    assert model.predict(picture, imgsz=64, verbose=False)[0].names == model.names
    model.set_classes(["red gear"])
    assert encoder.asked[-1] == "red gear"
    assert model.predict(picture, imgsz=64, verbose=False)[0].names == {0: "red gear"}


def test_a_picture_of_the_samples_names_phrases(full: YOLOE) -> None:
    assert (full.trainer.save_dir / "train_batch0.jpg").exists()
    assert (full.trainer.save_dir / "labels.jpg").exists()


def test_an_image_is_asked_about_80_phrases_at_most(
    descriptions: dict[str, Path], data: dict[str, Path]
) -> None:
    trainer = YOLOESegTrainer(overrides={"data": str(data["known"])})
    trainer.data = {"nc": 100, "channels": 4, "names": {}}
    model = trainer.get_model(str(descriptions["YOLOESegment"]), verbose=False)
    assert type(model).__name__ == "YOLOESegModel"
    assert model.yaml["nc"] == 80
    assert model.yaml["channels"] == 4


def test_an_interrupted_training_goes_on(
    train: Callable[..., YOLOE], descriptions: dict[str, Path]
) -> None:
    class StoppedError(Exception):
        pass

    def stop(trainer: Any) -> None:
        if trainer.epoch == 1:
            raise StoppedError

    class Stopping(YOLOETrainer):
        def run_callbacks(self, event: str) -> None:
            super().run_callbacks(event)
            if event == "on_train_epoch_start":
                stop(self)

    encoder = tiny.WordSums()
    model = YOLOE(descriptions["YOLOEDetect"])
    model.text_encoder = encoder
    with pytest.raises(StoppedError):
        train_with(train, descriptions["YOLOEDetect"], Stopping, epochs=2)
    last = train_with.last
    again = YOLOE(last)
    again.text_encoder = encoder
    again.train(resume=str(last))
    with again.trainer.csv.open() as file:
        assert [row["epoch"].strip() for row in csv.DictReader(file)] == ["1", "2"]


def train_with(train: Callable[..., YOLOE], model: Path, trainer: type, **changes: Any) -> None:
    """Train and remember where, though it fails."""

    def make(**given: Any) -> Any:
        made = trainer(**given)
        train_with.last = made.last  # type: ignore[attr-defined]
        return made

    train(model, make, **changes)


def test_without_an_encoder_nothing_is_begun(
    train: Callable[..., YOLOE], descriptions: dict[str, Path], tmp_path: Path
) -> None:
    from engine.runtime.settings import settings

    settings["weights_dir"] = str(tmp_path)
    missing = str(tmp_path / "nobody.ts")
    with pytest.raises(MissingCheckpointError, match="nobody"):
        train(descriptions["YOLOESegment"], encoder=missing)


# Linear probing


@pytest.fixture(scope="module")
def probed(train: Callable[..., YOLOE], trained_file: Path) -> YOLOE:
    """A model adapted by linear probing."""
    return train(trained_file, YOLOEPESegTrainer)


LAST = {f"model.5.cv3.{level}.2.{kind}" for level in range(3) for kind in ("weight", "bias")}


def test_only_the_last_class_layers_learn(probed: YOLOE, trained_file: Path) -> None:
    network = probed.trainer.model
    assert {n for n, p in network.named_parameters() if p.requires_grad} == LAST
    assert changed(state(trained_file), state(probed.trainer.last)) <= LAST


def test_what_starts_are_the_words(trained_file: Path, data: dict[str, Path]) -> None:
    trainer = YOLOEPESegTrainer(overrides={"model": str(trained_file), "data": str(data["known"])})
    trainer.text_encoder = tiny.WordSums()
    trainer.data = trainer.get_dataset()
    probe = trainer.get_model(load_checkpoint(trained_file).yaml, trained_file).eval()
    assert probe.head.savpe is None
    words = YOLOE(trained_file)
    words.text_encoder = tiny.WordSums()
    words.set_classes(list(PHRASES[:3]))
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, found = words.model.eval()(image)[0], probe(image)[0]
    for one, other in zip(expected, found, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_a_probed_model_is_a_plain_one(
    probed: YOLOE, data: dict[str, Path], tmp_path: Path
) -> None:
    path = probed.trainer.best
    model = YOLOE(path)
    assert list(model.names.values()) == list(PHRASES[:3])
    assert not model.model.head.takes_embeddings
    metrics = model.val(
        data=str(data["known"]), imgsz=64, device="cpu", plots=False, project=tmp_path
    )
    again = probed.metrics.results_dict
    assert metrics.results_dict["metrics/mAP50(M)"] == pytest.approx(
        again["metrics/mAP50(M)"], abs=1e-3
    )
    with pytest.raises(ModelError, match="fixed in its weights"):
        model.set_classes(["other"], torch.ones(1, 1, 512))


@pytest.mark.parametrize("which", ["words", "probe"])
def test_exports_predict_the_same(
    which: str, probed: YOLOE, trained_file: Path, data: dict[str, Path], tmp_path: Path
) -> None:
    source = trained_file if which == "words" else probed.trainer.best
    path = tmp_path / "model.pt"
    path.write_bytes(source.read_bytes())
    exported = YOLOE(path).export(format="torchscript", imgsz=64)
    picture = next(data["images"].iterdir())
    how: dict[str, Any] = {"imgsz": 64, "conf": 1e-5, "max_det": 20, "verbose": False}
    one, other = YOLOE(path).predict(picture, **how)[0], YOLOE(exported).predict(picture, **how)[0]
    assert one.names == other.names
    assert len(one) == len(other) > 0
    assert torch.allclose(one.boxes.data, other.boxes.data, atol=1e-2)


def test_both_sides_of_an_end_to_end_head_are_probed(
    train: Callable[..., YOLOE], descriptions: dict[str, Path]
) -> None:
    begun = train(descriptions["YOLOESegment26"])
    assert begun.trainer.loss_names == ("box", "seg", "cls", "dfl")
    found = train(begun.trainer.best, YOLOEPESegTrainer)
    network = found.trainer.model
    other = {name.replace("cv3", "one2one_cv3") for name in LAST}
    assert {n for n, p in network.named_parameters() if p.requires_grad} == LAST | other
    assert changed(state(begun.trainer.best), state(found.trainer.last)) <= LAST | other


def test_probing_needs_trained_weights(
    train: Callable[..., YOLOE], descriptions: dict[str, Path]
) -> None:
    for trainer in (YOLOEPESegTrainer, YOLOESegVPTrainer):
        with pytest.raises(ModelError, match="no weights to start from"):
            train(descriptions["YOLOESegment"], trainer)


@pytest.mark.parametrize("trainer", [YOLOESegTrainer, YOLOEPESegTrainer, YOLOESegVPTrainer])
def test_classes_inside_the_weights_are_refused(
    trainer: type, train: Callable[..., YOLOE], probed: YOLOE
) -> None:
    with pytest.raises(ModelError, match="fixed inside"):
        train(probed.trainer.best, trainer)


def test_an_argument_asks_for_a_probe_as_the_class_does(
    train: Callable[..., YOLOE], trained_file: Path, probed: YOLOE
) -> None:
    found = train(trained_file, linear_probe=True)
    assert type(found.trainer) is YOLOEPESegTrainer
    assert not changed(state(found.trainer.last), state(probed.trainer.last))
    saved = load_checkpoint(found.trainer.last).train_args
    assert saved["linear_probe"] is True
    assert load_checkpoint(probed.trainer.last).train_args["linear_probe"] is True
    with pytest.raises(ConfigError, match="linear_probe"):
        train(trained_file, YOLOESegTrainer, linear_probe=True)


def test_a_probe_goes_on_as_a_probe(train: Callable[..., YOLOE], trained_file: Path) -> None:
    begun = YOLOE(trained_file)
    begun.text_encoder = tiny.WordSums()

    def stop(trainer: Any) -> None:
        trainer.stop = True

    begun.add_callback("on_train_epoch_end", stop)
    how = {"epochs": 2, "batch": 2, "imgsz": 64, "device": "cpu", "plots": False, "verbose": False}
    data = load_checkpoint(trained_file).train_args["data"]
    begun.train(data=data, linear_probe=True, project=str(trained_file.parent / "on"), **how)
    model = YOLOE(begun.trainer.last)
    model.train(resume=True)
    assert type(model.trainer) is YOLOEPESegTrainer
    assert model.trainer.epoch == 1


@pytest.mark.parametrize("probe", [False, True])
def test_an_encoder_in_one_process_serves_all(
    probe: bool, train: Callable[..., YOLOE], trained_file: Path
) -> None:
    encoder = tiny.WordSums()
    told = train(trained_file, linear_probe=probe, device="cpu,cpu", encoder=encoder)
    assert sorted(encoder.asked) == sorted(PHRASES[:3])
    alone = train(trained_file, linear_probe=probe, encoder=tiny.WordSums())
    both = state(told.trainer.last), state(alone.trainer.last)
    assert both[0].keys() == both[1].keys()
    assert all(torch.isfinite(v.float()).all() for v in both[0].values())


# Several data sets


def test_detection_and_grounding_data_train_together(
    train: Callable[..., YOLOE], descriptions: dict[str, Path], data: dict[str, Path]
) -> None:
    encoder = tiny.WordSums()
    captions = {"img_path": str(data["images"]), "json_file": str(data["grounding"])}
    mixed = {
        "train": {"yolo_data": [str(data["held_back"])], "grounding_data": [captions]},
        "val": {"yolo_data": [str(data["known"])]},
    }
    model = train(
        descriptions["YOLOESegment"], YOLOESegTrainerFromScratch, data=mixed, encoder=encoder
    )
    assert sorted(encoder.asked) == sorted(PHRASES)
    assert list(model.names.values()) == list(PHRASES[:3])
    assert len(model.trainer.train_loader.dataset) == 6
    assert model.trainer.loss_names == ("box", "seg", "cls", "dfl")
    model.val(imgsz=64, plots=False)  # the same description says what is measured
    with pytest.raises(ConfigError, match="single_cls"):
        train(descriptions["YOLOESegment"], YOLOESegTrainerFromScratch, data=mixed, single_cls=True)


def test_captions_without_words_stop_a_training(
    train: Callable[..., YOLOE],
    descriptions: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
) -> None:
    import json

    document = json.loads(data["grounding"].read_text())
    del document["annotations"][2]["tokens_positive"]
    (tmp_path / "bad.json").write_text(json.dumps(document))
    captions = {"img_path": str(data["images"]), "json_file": str(tmp_path / "bad.json")}
    mixed = {"train": {"grounding_data": [captions]}, "val": {"yolo_data": [str(data["known"])]}}
    with pytest.raises(DatasetError, match=r"Annotation 2 .* says nothing of which words"):
        train(descriptions["YOLOESegment"], YOLOESegTrainerFromScratch, data=mixed)


# Visual prompts


@pytest.fixture(scope="module")
def shown(train: Callable[..., YOLOE], trained_file: Path) -> YOLOE:
    """A model whose encoder of visual prompts was trained."""
    return train(trained_file, YOLOESegVPTrainer, encoder=Silent(), optimizer="SGD", lr0=0.1)


class Silent:
    """A text encoder that nobody may ask."""

    name, dimension = "silent", 512

    def encode(self, phrases: list[str]) -> Tensor:
        raise AssertionError(f"asked for {phrases}")


def test_only_the_encoder_of_visual_prompts_learns(shown: YOLOE, trained_file: Path) -> None:
    network = shown.trainer.model
    learning = {n for n, p in network.named_parameters() if p.requires_grad}
    encoder = {n for n, _ in network.named_parameters() if ".savpe." in n}
    assert learning == encoder
    moved = changed(state(trained_file), state(shown.trainer.last))
    assert moved
    assert all(".savpe." in name for name in moved)


def test_its_classes_are_what_the_labels_show(shown: YOLOE, data: dict[str, Path]) -> None:
    assert list(shown.names.values()) == list(PHRASES[:3])
    lengths = shown.model.pe.norm(dim=-1)
    seen = lengths > 0.5
    assert seen.any()
    assert torch.allclose(lengths[seen], torch.ones(int(seen.sum())), atol=2e-3)
    picture = next(data["images"].iterdir())
    prompts = {"bboxes": np.array([[4.0, 4.0, 40.0, 40.0]]), "cls": np.array([0])}
    result = shown.predict(picture, visual_prompts=prompts, imgsz=64, verbose=False)[0]
    assert result.names == {0: "object0"}


# Boxes


@pytest.mark.parametrize("trainer", [YOLOEPETrainer, YOLOEVPTrainer, YOLOETrainerFromScratch])
def test_boxes_have_the_same_trainings(
    trainer: type, train: Callable[..., YOLOE], boxes_file: Path
) -> None:
    model = train(boxes_file, trainer)
    assert type(model.trainer) is trainer
    assert "metrics/mAP50(M)" not in columns(model)
    assert "metrics/mAP50(B)" in columns(model)


@pytest.fixture(scope="module")
def boxes_file(train: Callable[..., YOLOE], descriptions: dict[str, Path]) -> Path:
    """The file of a detection model after a training on words."""
    model = train(descriptions["YOLOEDetect"])
    assert type(model.trainer) is YOLOETrainer
    assert model.trainer.loss_names == ("box", "cls", "dfl")
    return model.trainer.best


def test_the_bases_are_those_of_the_document() -> None:
    assert YOLOESegTrainer.__bases__ == (YOLOETrainer, SegmentationTrainer)
    assert issubclass(YOLOEPESegTrainer, SegmentationTrainer)
    assert not issubclass(YOLOEPESegTrainer, YOLOETrainer)
    assert YOLOESegTrainerFromScratch.__bases__ == (YOLOETrainerFromScratch, YOLOESegTrainer)
    assert YOLOESegVPTrainer.__bases__ == (YOLOEVPTrainer, YOLOESegTrainerFromScratch)
    assert all(trainer.task == "segment" for trainer in TRAINERS)
