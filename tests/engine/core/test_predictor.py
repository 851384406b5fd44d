"""What every prediction does, whatever its task: sources to results, files, vectors, pictures of layers."""

from __future__ import annotations

import shutil
import weakref

import cv2
import numpy as np
import pytest
import torch

from engine import YOLO
from engine.core.features import draw_maps
from engine.core.result_window import ResultWindow
from engine.core.results import Results
from engine.runtime.errors import ConfigError, DatasetError, ImageError

SIZE = 64


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return YOLO("yolo11n.yaml")


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    weights = tmp_path_factory.mktemp("exported") / "tiny.pt"
    model.save(weights)
    return YOLO(weights).export(format="onnx", imgsz=SIZE, device="cpu")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three pictures, two of the same name, and a video of six frames."""
    folder = tmp_path_factory.mktemp("files")
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png", "more/a.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / name), random.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 5, (64, 48))
    for i in range(6):
        writer.write(random.integers(0, 40 * i + 10, (48, 64, 3), dtype=np.uint8))
    writer.release()
    return folder


def predict(model, source, **kwargs):
    given = {"imgsz": SIZE, "device": "cpu", "verbose": False, "conf": 0.0, "max_det": 3}
    return model.predict(source, **{**given, **kwargs})


# Memory and order


def test_a_stream_of_results_keeps_nothing_that_was_handed_out(model, files):
    alive: list[weakref.ref] = []
    most = 0
    for result in predict(model, [files / "clip.avi"] * 3, stream=True):
        alive.append(weakref.ref(result))
        most = max(most, sum(ref() is not None for ref in alive))
    assert len(alive) == 18
    assert most <= 2


def test_a_list_of_many_frames_is_warned_about(model, files, caplog):
    assert len(predict(model, files / "clip.avi")) == 6
    assert "stream=True" in caplog.text
    caplog.clear()
    predict(model, files / "a.png")
    assert "stream=True" not in caplog.text


def test_leaving_a_stream_early_finishes_its_files(model, files, tmp_path):
    results = predict(
        model, files / "clip.avi", stream=True, save=True, project=str(tmp_path), name="run"
    )
    next(results)
    next(results)
    results.close()
    capture = cv2.VideoCapture(str(tmp_path / "run" / "clip.avi"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 2
    capture.release()


def test_a_batch_gives_what_single_pictures_give(model, files):
    single = predict(model, files)
    together = predict(model, files, batch=4)
    assert [r.path for r in single] == [r.path for r in together]
    for one, other in zip(single, together, strict=True):
        torch.testing.assert_close(one.boxes.data, other.boxes.data, rtol=1e-4, atol=1e-3)


def test_without_a_source_drawn_pictures_are_looked_at(model, caplog):
    results = predict(model, None)
    assert [r.orig_shape for r in results] == [(360, 480)] * 2
    assert "No source given" in caplog.text


def test_tensors_of_a_size_that_the_network_takes_stay_as_they_are(model, exported):
    images = torch.rand(2, 3, 96, 160, generator=torch.Generator().manual_seed(1))
    shapes = []

    def watch(predictor):
        network = predictor.model.backend.model
        network.register_forward_pre_hook(
            lambda _module, given: shapes.append(tuple(given[0].shape))
        )

    model.add_callback("on_predict_start", watch)
    found = predict(model, images, batch=2)
    odd = predict(model, images[..., :150], batch=2)
    model.reset_callbacks()
    model.predictor = None
    assert shapes[0] == (2, 3, 96, 160)
    assert shapes[1] == (2, 3, SIZE, SIZE)  # sides that are no multiples of the stride are fitted
    assert [r.orig_shape for r in (*found, *odd)] == [(96, 160)] * 2 + [(96, 150)] * 2
    fixed = predict(YOLO(exported), images)  # a file of one size gets them fitted
    assert [r.orig_shape for r in fixed] == [(96, 160)] * 2


def test_a_missing_source_is_named(model):
    with pytest.raises(DatasetError, match=r"nowhere/a\.png"):
        predict(model, "nowhere/a.png")
    with pytest.raises(ImageError, match="93"):
        predict(model, 93)


def test_results_can_be_replaced_by_pairs_with_their_frames(model, files):
    def join(predictor):
        predictor.results = zip(predictor.results, predictor.batch[1], strict=True)

    model.add_callback("on_predict_batch_end", join)
    pairs = predict(model, files)
    model.reset_callbacks()
    assert all(frame is result.orig_img for result, frame in pairs)


# Files


def test_pictures_of_one_name_do_not_replace_one_another(model, files, tmp_path):
    predict(model, [files / "a.png", files / "more"], save=True, save_txt=True,
            project=str(tmp_path), name="run")  # fmt: skip
    run = tmp_path / "run"
    assert sorted(p.name for p in run.glob("*.jpg")) == ["a.jpg", "a_2.jpg"]
    assert sorted(p.name for p in run.glob("labels/*")) == ["a.txt", "a_2.txt"]


def test_crops_of_frames_and_of_pictures_named_alike_do_not_replace_one_another(
    model, files, tmp_path
):
    """Frame 1's third crop is not frame 13's first, nor is the second of ``a.v1`` the first of ``a.v12``."""
    for name in ("a.v1.png", "a.v12.png"):
        shutil.copy(files / "a.png", tmp_path / name)
    writer = cv2.VideoWriter(str(tmp_path / "c.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 5, (64, 48))
    for _ in range(13):
        writer.write(cv2.imread(str(files / "a.png")))
    writer.release()
    results = predict(model, tmp_path, save_crop=True, project=str(tmp_path / "runs"), name="run")
    assert len(results) == 15
    crops = list((tmp_path / "runs/run/crops").rglob("*.jpg"))
    assert len(crops) == sum(len(result) for result in results)
    names = {crop.name for crop in crops}
    assert {"a.v1.jpg", "a.v12.jpg", "c_1.jpg", "c_1_3.jpg", "c_13.jpg", "c_13_3.jpg"} <= names


def test_a_second_run_into_the_same_folder_does_not_append_to_labels(model, files, tmp_path):
    for _ in range(2):
        predict(
            model, files / "a.png", save_txt=True, project=str(tmp_path), name="run", exist_ok=True
        )
    assert len((tmp_path / "run/labels/a.txt").read_text().splitlines()) == 3


def test_single_frames_are_written(model, files, tmp_path):
    predict(
        model, files / "clip.avi", save_frames=True, vid_stride=2, project=str(tmp_path), name="run"
    )
    frames = sorted((tmp_path / "run").rglob("*.*"))
    assert [f.relative_to(tmp_path / "run").as_posix() for f in frames] == [
        f"clip_frames/{n}.jpg" for n in (1, 3, 5)
    ]
    assert cv2.imread(str(frames[0])).shape == (48, 64, 3)


def test_streams_are_written_side_by_side(model, files, tmp_path):
    shutil.copy(files / "clip.avi", tmp_path / "other.avi")
    (tmp_path / "two.streams").write_text(f"other.avi\n{files / 'clip.avi'}\n")
    results = predict(model, tmp_path / "two.streams", save=True, project=str(tmp_path), name="run")
    assert len(results) == 12
    for name in ("other.avi", "clip.avi"):
        capture = cv2.VideoCapture(str(tmp_path / "run" / name))
        assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 6
        capture.release()


def test_several_streams_are_followed_each_on_its_own(model, files, tmp_path):
    shutil.copy(files / "clip.avi", tmp_path / "other.avi")
    (tmp_path / "two.streams").write_text(f"other.avi\n{files / 'clip.avi'}\n")
    found = model.track(
        tmp_path / "two.streams", imgsz=SIZE, device="cpu", verbose=False, conf=0.0, max_det=3
    )
    assert len(found) == 12
    trackers = model.predictor.follower._of_streams
    assert len({id(t) for t in trackers.values()}) == len(trackers) == 2


def test_what_layers_answer_is_drawn_for_each_picture(model, files, tmp_path):
    predict(
        model,
        [files / "a.png", files / "b.png"],
        batch=2,
        visualize=True,
        project=str(tmp_path),
        name="run",
    )
    last = len(model.model.model) - 1
    for stem in "ab":
        names = sorted(p.name for p in (tmp_path / "run" / stem).iterdir())
        assert len(names) == last  # every layer but the head
        assert "stage0_Conv_features.png" in names
    sheet = cv2.imread(str(tmp_path / "run/a/stage0_Conv_features.png"))
    assert sheet.std() > 10


def test_maps_are_drawn_from_dark_to_bright_side_by_side():
    maps = np.zeros((9, 4, 4), np.float32)
    maps[1, 0, 0] = 5
    sheet = draw_maps(maps)
    assert sheet.shape == (2 * 66, 8 * 66, 3)
    brightness = sheet.sum(2)
    top, left = np.unravel_index(brightness.argmax(), brightness.shape)
    assert 67 <= left < 67 + 16
    assert 1 <= top < 17


# Vectors


def test_vectors_of_pictures(model, files):
    vectors = model.embed(
        [files / "a.png", files / "b.png", files / "more/a.png"], imgsz=SIZE, device="cpu"
    )
    assert [v.shape for v in vectors] == [(256,)] * 3
    again = model.embed(files / "a.png", imgsz=SIZE, device="cpu", stream=True)
    alike = torch.nn.functional.cosine_similarity  # random layers answer faintly
    assert alike(next(again), vectors[0], 0, 0) > 0.9999
    assert alike(vectors[1], vectors[0], 0, 0) < 0.999
    two = predict(model, files / "a.png", embed=[4, 9])
    assert two[0].shape == (128 + 256,)
    assert isinstance(predict(model, files / "a.png")[0], Results)  # and results again


def test_layers_that_are_not_there_have_no_vectors(model, files, exported):
    for layers in ([23], [99]):
        with pytest.raises(ConfigError, match="0 to 22"):
            predict(model, files / "a.png", embed=layers)
    for asked in ({"embed": [2]}, {"visualize": True}):
        with pytest.raises(ConfigError, match="exported file"):
            predict(YOLO(exported), files / "a.png", **asked)


# The window


@pytest.mark.usefixtures("unseen_screen")
def test_pictures_are_shown_until_somebody_closes_the_window():
    pytest.importorskip("tkinter")
    window = ResultWindow()
    window.show(np.full((400, 900, 3), 90, np.uint8), "a.png")
    assert window.is_open
    assert window._label.image.width() == 288  # it fits the screen
    window.show(np.zeros((48, 64, 3), np.uint8), "b.png")
    assert (window._root.title(), window._label.image.width()) == ("b.png", 64)
    window.close()
    window.show(np.zeros((48, 64, 3), np.uint8))  # who closed it wants to see no more
    assert not window.is_open


def test_without_a_screen_the_prediction_goes_on(model, files, monkeypatch, caplog):
    monkeypatch.delenv("DISPLAY", raising=False)
    assert len(predict(model, [files / "a.png", files / "b.png"], show=True)) == 2
    assert caplog.text.count("no window can be opened") == 1


# What is said


def test_a_picture_too_long_for_jpeg_is_written_as_png_and_the_next_one_comes(model, tmp_path):
    longest = np.zeros((65_501, 8, 3), np.uint8)
    results = predict(
        model, [longest, np.zeros((8, 8, 3), np.uint8)], save=True, project=tmp_path, name="run"
    )
    assert len(results) == 2
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"image0.png", "image1.jpg"}


def test_classes_that_the_model_does_not_have_and_half_without_effect_are_said(model, caplog):
    predict(model, np.zeros((8, 8, 3), np.uint8), classes=[0, 80], half=True)
    assert "classes=80: the model has no such classes; it has 80" in caplog.text
    assert "half=True has no effect here: cpu computes in float32" in caplog.text
    caplog.clear()
    predict(model, np.zeros((8, 8, 3), np.uint8), classes=[0, 79])
    assert "classes" not in caplog.text


def test_frames_are_told_apart_in_the_log(model, files, caplog):
    caplog.set_level("INFO")
    predict(model, files / "clip.avi", verbose=True, vid_stride=4)
    lines = [r.getMessage() for r in caplog.records if "clip.avi" in r.getMessage()]
    assert [line.partition(": 48x64")[0][-21:] for line in lines] == [
        "clip.avi frame 1 of 6",
        "clip.avi frame 5 of 6",
    ]
