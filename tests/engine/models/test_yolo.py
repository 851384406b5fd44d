"""The object people hold, as the specification uses it."""

from __future__ import annotations

import types

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from engine import YOLO
from engine.core.results import Results
from engine.models.yolo.detect import DetectionPredictor, DetectionTrainer, DetectionValidator
from engine.nn.tasks import DetectionModel
from engine.runtime.errors import ConfigError, MissingCheckpointError, ModelError


@pytest.fixture
def picture(drawn_parts):
    return drawn_parts.parent / "images" / "val" / "0.png"


def _predict(model, source, **kwargs):
    return model.predict(
        source, **{"conf": 0.0, "max_det": 5, "imgsz": 64, "verbose": False, **kwargs}
    )


def test_training_hands_over_the_best_weights_and_remembers_its_data(trained, drawn_parts):
    assert trained.ckpt_path.name == "best.pt"
    assert trained.names == {0: "square"}
    assert trained.overrides["data"] == str(drawn_parts)
    assert {"metrics/mAP50(B)", "metrics/mAP50-95(M)", "fitness"} <= set(
        trained.metrics.results_dict
    )
    metrics = YOLO(trained.ckpt_path).val(
        plots=False, device="cpu", project=str(trained.ckpt_path.parent)
    )
    assert metrics.box.map50 == pytest.approx(trained.metrics.box.map50)
    assert metrics.seg.maps.shape == (1,)
    assert metrics.seg.map75 >= 0


def test_a_stream_keeps_its_arguments_while_the_model_is_asked_something_else(model, picture):
    image = cv2.imread(str(picture))
    stream = _predict(model, [image] * 4, stream=True, max_det=4)
    unstarted = _predict(model, [image], stream=True, max_det=2)
    assert len(next(stream)) == 4
    assert len(_predict(model, image, imgsz=32, max_det=1)[0]) == 1
    first = model.predictor
    assert len(next(stream)) == 4
    assert len(_predict(model, image, max_det=3)[0]) == 3
    assert model.predictor is first  # nobody was waiting for that one
    assert [len(result) for result in stream] == [4, 4]
    assert [len(result) for result in unstarted] == [2]


def test_tracking_goes_on_while_crops_are_predicted(model, picture):
    image = cv2.imread(str(picture))
    follow = {"conf": 0.0, "max_det": 5, "imgsz": 64, "verbose": False}
    alone = [r.boxes.is_track for r in model.track([image] * 4, stream=True, **follow)]
    between = []
    for result in model.track([image] * 4, stream=True, **follow):
        between.append(result.boxes.is_track)
        _predict(model, image, imgsz=32)
    assert any(alone)
    assert between == alone


def test_every_kind_of_source_gives_results(model, picture):
    array = cv2.imread(str(picture))
    with Image.open(picture) as file:
        pil = file.convert("RGB")
    for source in (str(picture), picture, array, pil):
        assert len(_predict(model, source)) == 1
    for source in ([array, pil], picture.parent, [str(picture), array]):
        results = _predict(model, source)
        assert len(results) == 2
        assert all(isinstance(r, Results) for r in results)
    first = results[0]
    assert first.orig_img.shape == (64, 64, 3)
    assert first.masks.data.shape == (len(first), 64, 64)
    assert set(first.speed) == {"preprocess", "inference", "postprocess"}
    assert all(value > 0 for value in first.speed.values())


def test_calling_the_model_predicts_and_streaming_works_as_it_is_asked(model, picture):
    assert isinstance(model(picture, verbose=False), list)
    seen = []
    model.add_callback("on_predict_batch_start", lambda p: seen.append(p.batch[0][0]))
    stream = _predict(model, picture.parent, stream=True)
    assert isinstance(stream, types.GeneratorType)
    assert seen == []
    next(stream)
    assert len(seen) == 1
    stream.close()


def test_frames_can_be_joined_to_results_by_a_callback(model, picture):
    def join(predictor):
        _, image, _, _ = predictor.batch
        image = image if isinstance(image, list) else [image]
        predictor.results = zip(predictor.results, image, strict=True)

    model.add_callback("on_predict_batch_end", join)
    for result, frame in _predict(model, picture.parent):
        assert result.orig_img is frame


def test_prediction_callbacks_fire_in_the_recorded_order(model, picture):
    calls = []
    events = ["start", "batch_start", "postprocess_end", "batch_end", "end"]
    for event in events:
        model.add_callback(f"on_predict_{event}", lambda p, event=event: calls.append(event))
    _predict(model, picture.parent)
    assert calls == ["start", *["batch_start", "postprocess_end", "batch_end"] * 2, "end"]


def test_arguments_of_one_call_do_not_stay_for_the_next(model, picture):
    assert len(_predict(model, picture, max_det=1)[0]) <= 1
    many = len(_predict(model, picture)[0])
    assert many > 1
    assert len(_predict(model, picture, classes=[0])[0]) == many
    assert len(_predict(model, picture, conf=0.9999)[0]) == 0


def test_masks_in_the_originals_size_when_asked(model, picture):
    large = cv2.resize(cv2.imread(str(picture)), (150, 100))
    assert _predict(model, large)[0].masks.shape[1:] == (64, 64)
    assert _predict(model, large, retina_masks=True)[0].masks.shape[1:] == (100, 150)
    wide = _predict(model, large, imgsz=128)[0]
    assert wide.masks.shape[1:] == (96, 128)  # rect: no more border than the stride needs
    assert _predict(model, large, imgsz=128, rect=False)[0].masks.shape[1:] == (128, 128)


def test_everything_that_can_be_saved_is(model, picture, tmp_path):
    results = _predict(
        model, picture, save=True, save_txt=True, save_conf=True, save_crop=True,
        project=str(tmp_path), name="out",
    )  # fmt: skip
    folder = tmp_path / "out"
    assert results[0].save_dir == folder
    assert cv2.imread(str(folder / "0.jpg")).shape == (64, 64, 3)
    lines = (folder / "labels" / "0.txt").read_text().splitlines()
    assert len(lines) == len(results[0])
    assert len(list((folder / "crops" / "square").iterdir())) == len(results[0])
    assert not (tmp_path / "out2").exists()


def test_drawing_shows_what_is_asked(model, picture):
    result = _predict(model, picture)[0]
    plain = result.orig_img.copy()
    drawn = result.plot()
    assert (drawn != plain).any()
    assert (result.orig_img == plain).all()
    assert (result.plot(boxes=False, masks=False) == plain).all()
    assert (result.plot(labels=False) != drawn).any()
    with pytest.raises(ValueError, match="color_mode"):
        result.plot(color_mode="rainbow")


def test_videos_are_written_as_videos(model, tmp_path):
    path = tmp_path / "in.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for level in range(0, 200, 40):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    results = _predict(
        model, path, save=True, save_txt=True, vid_stride=2, project=str(tmp_path), name="v"
    )
    assert len(results) == 3
    capture = cv2.VideoCapture(str(tmp_path / "v" / "in.avi"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    capture.release()
    assert {p.name for p in (tmp_path / "v" / "labels").iterdir()} <= {
        "in_1.txt",
        "in_3.txt",
        "in_5.txt",
    }


def test_an_exported_file_predicts_the_same(model, picture, tmp_path):
    path = model.export(format="onnx", imgsz=64)
    exported = YOLO(path)
    assert exported.task == "segment"
    assert exported.names == {0: "square"}
    ours, theirs = (_predict(m, picture, conf=0.25)[0].numpy() for m in (model, exported))
    assert len(ours) == 1
    np.testing.assert_allclose(ours.boxes.data, theirs.boxes.data, atol=1e-2)
    assert (ours.masks.data != theirs.masks.data).mean() < 0.01
    metrics = exported.val(
        data=model.overrides["data"], plots=False, project=str(tmp_path), imgsz=64
    )
    assert metrics.box.map50 == pytest.approx(
        model.val(plots=False, rect=False, project=str(tmp_path)).box.map50, abs=0.02
    )
    with pytest.raises(ModelError, match="exported file"):
        exported.train(data="x")


def test_saving_loading_and_starting_anew(model, tmp_path):
    path = model.save(tmp_path / "copy.pt")
    again = YOLO(path)
    for a, b in zip(model.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)
    fresh = YOLO("yolo11n.yaml").load(path)
    assert torch.equal(fresh.model.model[0].conv.weight, model.model.model[0].conv.weight)
    again.reset_weights()
    assert not torch.equal(again.model.model[0].conv.weight, model.model.model[0].conv.weight)
    assert again.names == {0: "square"}


def test_loaded_weights_are_where_training_starts(model, drawn_parts, tmp_path):
    started = []
    detector = YOLO("yolo11n.yaml").load(model.ckpt_path)
    detector.add_callback(
        "on_train_start", lambda t: started.append(t.model.model[0].conv.weight.detach().clone())
    )
    given = {"data": str(drawn_parts), "epochs": 1, "batch": 2, "imgsz": 64, "plots": False}
    given |= {"project": str(tmp_path), "device": "cpu", "verbose": False}
    detector.train(**given)
    assert torch.equal(started[0], model.model.model[0].conv.weight)
    assert detector.trainer.pretrained
    other = YOLO(model.ckpt_path)
    other.add_callback(
        "on_train_start", lambda t: started.append(t.model.model[0].conv.weight.detach().clone())
    )
    other.train(**given, pretrained=False)
    assert not torch.equal(started[1], started[0])
    described = YOLO("yolo11n-seg.yaml")
    described.add_callback(
        "on_train_start", lambda t: started.append(t.model.model[0].conv.weight.detach().clone())
    )
    described.train(**given, pretrained=str(model.ckpt_path))
    assert torch.equal(started[2], started[0])


def test_info_and_fuse(model):
    found = model.info()
    assert found.parameters > 2.8e6
    x = torch.rand(1, 3, 64, 64)
    before = model.model.eval()(x)[0][0]
    model.fuse()
    torch.testing.assert_close(model.model(x)[0][0], before, atol=1e-3, rtol=1e-3)


def test_trainer_validator_and_predictor_work_on_their_own(drawn_parts, picture, tmp_path):
    """The specification's page on the engine's executors."""
    overrides = {
        "model": "yolo11n.yaml",
        "data": str(drawn_parts),
        "epochs": 1,
        "imgsz": 64,
        "batch": 2,
    }
    overrides |= {"project": str(tmp_path), "plots": False, "verbose": False, "device": "cpu"}
    trainer = DetectionTrainer(overrides=overrides)
    trainer.train()
    val = DetectionValidator(
        args={"data": str(drawn_parts), "imgsz": 64, "plots": False, "project": str(tmp_path)}
    )
    stats = val(model=trainer.best)
    assert stats["metrics/mAP50(B)"] == pytest.approx(trainer.metrics["metrics/mAP50(B)"])
    pred = DetectionPredictor(overrides={"imgsz": 64, "conf": 0.0, "verbose": False})
    assert pred(source=picture, model=trainer.best)[0].names == {0: "square"}


def test_trainers_can_be_customised_as_the_specification_shows(drawn_parts, tmp_path):
    class Doubled:
        def __init__(self, inner):
            self.inner, self.calls = inner, 0

        def __call__(self, preds, batch):
            self.calls += 1
            total, items = self.inner(preds, batch)
            return 2 * total, items

    class MyCustomModel(DetectionModel):
        def init_criterion(self):
            self.mine = Doubled(super().init_criterion())
            return self.mine

    class CustomTrainer(DetectionTrainer):
        def get_model(self, cfg, weights):
            return MyCustomModel("yolo11n.yaml", nc=self.data["nc"], verbose=False)

    paths = []
    trainer = CustomTrainer(
        overrides={"data": str(drawn_parts), "epochs": 2, "imgsz": 64, "batch": 2, "plots": False,
                   "project": str(tmp_path), "verbose": False, "device": "cpu"}
    )  # fmt: skip
    trainer.add_callback("on_train_epoch_end", lambda t: paths.append(t.last))
    trainer.train()
    assert isinstance(trainer.model, MyCustomModel)
    assert trainer.model.mine.calls == 4
    assert paths == [trainer.last] * 2
    assert isinstance(trainer.trained_model(), MyCustomModel)


def test_a_trainer_may_be_made_with_nothing_and_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainer = DetectionTrainer(overrides={})
    assert isinstance(trainer.get_model(cfg="yolo11n.yaml", verbose=False), DetectionModel)
    with pytest.raises(ConfigError, match="data="):
        trainer.train()


def test_a_trainers_log_reaches_the_run_directory(drawn_parts, tmp_path):
    model = YOLO("yolo11n.yaml")
    model.add_callback("on_train_epoch_end", lambda t: t.log({"additional_metric": 3}))
    model.train(
        data=str(drawn_parts),
        epochs=1,
        batch=2,
        imgsz=64,
        plots=False,
        project=str(tmp_path),
        device="cpu",
    )
    assert "additional_metric=3" in (model.trainer.save_dir / "events.jsonl").read_text()


@pytest.mark.parametrize(
    ("name", "error"),
    [("nope.pt", MissingCheckpointError), ("nope.yaml", ModelError), ("nope.xyz", ModelError)],
)
def test_files_that_do_not_exist_are_named(name, error):
    with pytest.raises(error, match="nope"):
        YOLO(name)


def test_a_wrong_task_and_an_unknown_argument_are_refused(model):
    with pytest.raises(ConfigError, match="segment"):
        YOLO("yolo11n-seg.yaml", task="detect")
    with pytest.raises(ConfigError, match="epochs"):
        model.train(epochz=3)


def test_the_tasks_are_reachable_from_their_family():
    from engine.models import yolo

    assert yolo.segment.SegmentationValidator is yolo.SegmentationValidator
    assert {"detect", "segment", "semseg", "classify", "pose", "obb"} <= set(dir(yolo))
    for task in ("Classification", "OBB", "Pose"):
        for role in ("Trainer", "Validator", "Predictor"):
            assert isinstance(getattr(yolo, f"{task}{role}"), type)
