"""What a model can be told besides the modes."""

from __future__ import annotations

import pytest
import torch

from engine import YOLO
from engine.runtime.errors import ConfigError, DeviceError


@pytest.fixture(scope="module")
def model():
    return YOLO("yolo11n.yaml")


def test_it_moves_and_converts(model):
    kind = lambda: next(model.model.parameters()).dtype  # noqa: E731
    assert model.half() is model
    assert kind() is torch.float16
    assert model.info(verbose=False).gflops == pytest.approx(6.5, abs=0.1)
    assert model.float() is model
    assert kind() is torch.float32
    assert model.cpu().device == torch.device("cpu")
    assert model.to("meta").device.type == "meta"


def test_a_gpu_that_is_not_there_is_named(model):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(DeviceError, match="0"):
        model.cuda()


def test_numbers_are_logged_as_far_as_asked(model, caplog):
    caplog.set_level("INFO")
    quiet = model.info(verbose=False)
    assert not caplog.text
    assert model.info() == quiet
    assert len(caplog.records) == 1
    model.info(detailed=True)
    assert "Conv" in caplog.text
    assert quiet.parameters > 2_000_000


def test_callbacks_come_and_go(model):
    calls: list[str] = []
    model.add_callback("on_predict_start", lambda _p: calls.append("one"))
    model.add_callback("on_predict_start", lambda _p: calls.append("two"))
    model.run_callbacks("on_predict_start")
    model.clear_callback("on_predict_start")
    model.run_callbacks("on_predict_start")
    model.add_callback("on_predict_end", lambda _p: calls.append("three"))
    model.reset_callbacks()
    model.run_callbacks("on_predict_end")
    assert calls == ["one", "two"]
    with pytest.raises(ConfigError, match="on_predict_end"):
        model.add_callback("on_predict_ende", print)


def test_saved_fused_and_loaded_again(tmp_path):
    model = YOLO("yolo11n.yaml")
    path = model.save(tmp_path / "tiny.pt")
    again = YOLO(path)
    assert again.names == model.names
    assert again.task == "detect"
    other = YOLO("yolo11n.yaml").load(path)
    for copy in (again, other):
        state = copy.model.state_dict()
        for key, value in model.model.state_dict().items():
            torch.testing.assert_close(state[key].float(), value.float(), rtol=1e-2, atol=1e-3)
    assert again.fuse().model.is_fused()


def test_it_is_saved_only_under_a_name_that_can_be_opened_again(model, tmp_path):
    with pytest.raises(ConfigError, match=r"\.safetensors; received .*weights\.zip"):
        model.save(tmp_path / "weights.zip")
    assert not list(tmp_path.iterdir())


def test_a_search_without_data_is_refused_before_a_folder_is_made(model, tmp_path):
    with pytest.raises(ConfigError, match="training needs data="):
        model.tune(project=tmp_path / "runs")
    assert not list(tmp_path.iterdir())
