"""The small network that comes with the program: windows, what it is told, and how good its masks really are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.data.annotations.convert import to_mask
from engine.data.synthetic import draw_scene
from engine.models.sam import SAM
from engine.models.sam.click_maps import CHANNELS, SIZE, make_maps
from engine.models.sam.embedding_cache import EmbeddingCache
from engine.models.sam.prompts import Prompt, make_prompt
from engine.models.sam.registry import choose_segmenter
from engine.models.sam.small import windows_around
from engine.models.sam.train_small import train
from engine.models.sam.weights import SMALL_FILE
from engine.models.sam.windows import FAR_OUTSIDE, Window, kept_within, window_around
from engine.nn.safetensors_file import read_safetensors, write_safetensors
from engine.runtime.errors import CheckpointError, ConfigError, MissingCheckpointError
from tests.engine.sam.conftest import disc

HELD_BACK = 91_234  # seeds that neither the training nor the benchmark draws from
LARGEST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def small() -> SAM:
    return SAM("sam_small", device="cpu", cache=EmbeddingCache(disk_bytes=0))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


class TestWindows:
    @pytest.mark.parametrize(
        "window", [Window(10, 20, 40), Window(-15, -8, 90), Window(60, 50, 64)]
    )
    def test_what_was_cut_comes_back_to_its_place(self, window: Window) -> None:
        y, x = np.mgrid[0:80, 0:100].astype(np.float32)
        field = x / 10 + y / 20
        back = window.put_back(window.cut(field, 2 * window.side), 80, 100)
        inside = (x >= window.x) & (x < window.x + window.side)
        inside &= (y >= window.y) & (y < window.y + window.side)
        assert (back[~inside] == FAR_OUTSIDE).all()
        away = inside & (x > 2) & (y > 2) & (x < 97) & (y < 77)  # beyond the picture are zeros
        assert np.abs(back - field)[away].max() < 1.0
        assert np.median(np.abs(back - field)[away]) < 0.1

    def test_points_go_with_the_window(self) -> None:
        window = Window(10, 20, 40)
        assert window.to_inside(np.array([[10.0, 20], [30, 60]]), 80).tolist() == [[0, 0], [40, 80]]

    def test_a_window_around_a_box_has_it_in_the_middle(self) -> None:
        window = window_around(np.array([20.0, 30, 60, 50]), 2.0)
        assert window == Window(0, 0, 80)
        assert kept_within(Window(-10, 70, 40), 100, 200) == Window(0, 60, 40)
        assert kept_within(Window(50, 0, 150), 100, 200) == Window(50, -25, 150)

    def test_windows_around_clicks_hold_them_all(self) -> None:
        prompt = make_prompt((600, 800), [[100, 100], [500, 400]])
        windows = windows_around(prompt, 600, 800)
        assert windows[0].side == 800
        for window in windows:
            inside = window.to_inside(prompt.points, 1)
            assert ((inside >= 0) & (inside <= 1)).all()
        alone = windows_around(make_prompt((600, 800), [[100, 100]]), 600, 800)
        assert [w.side for w in alone] == [800, 400, 200, 100]


class TestMaps:
    def test_each_prompt_has_its_map(self, discs: np.ndarray) -> None:
        window = Window(0, -16, 128)
        nothing = np.zeros((0, 2)), np.zeros(0, np.int64)
        rough = np.where(disc(40, 48, 20), 8.0, -8.0).astype(np.float32)
        click = make_maps(discs, window, make_prompt((96, 128), [[40, 48], [95, 40]], [1, 0]))
        box = make_maps(discs, window, Prompt(*nothing, np.array([20.0, 28, 60, 68])))
        mask = make_maps(discs, window, Prompt(*nothing, None, rough))
        assert click.shape == box.shape == mask.shape == (CHANNELS, SIZE, SIZE)
        scale = SIZE / 128
        at, away = (int(64 * scale), int(40 * scale)), (int(56 * scale), int(95 * scale))
        for map_number, where in ((4, at), (5, at), (6, away), (7, away)):
            assert click[map_number][where] > 0.9
        assert click[10][at] > 0.9  # colours like the clicked one
        assert click[10][away] < 0.1
        assert box[8][at] == 1
        assert box[8][away] == 0
        assert box[13][at] > 0.5  # colours that the box has and its surroundings have not
        assert mask[9][at] == 1
        assert mask[14][at] > 0.5
        assert (click[3, : int(16 * scale) - 1] == 0).all()  # above the picture is nothing


class TestAnswers:
    def test_clicks_boxes_and_corrections(self, small: SAM, discs: np.ndarray) -> None:
        small.set_image(discs)
        masks, scores, low_res = small.predict(points=[[40, 48]], labels=[1])
        best = masks[scores.argmax()]
        assert 1 <= len(masks) <= 3
        assert ((scores >= 0) & (scores <= 1)).all()
        assert overlap(best, disc(40, 48, 20)) > 0.8
        box, _, _ = small.predict(box=[80, 25, 110, 55], multimask_output=False)
        assert overlap(box[0], disc(95, 40, 14)) > 0.85
        more, _, _ = small.predict(
            points=[[40, 48], [50, 48]], mask=low_res[0], multimask_output=False
        )
        assert overlap(more[0], disc(40, 48, 20)) > 0.9
        both, _, _ = small.predict(points=[[40, 48], [95, 40]], multimask_output=False)
        assert overlap(both[0], disc(40, 48, 20) | disc(95, 40, 14)) > 0.8

    def test_a_rough_mask_of_another_size_is_refused(self, small: SAM, discs: np.ndarray) -> None:
        small.set_image(discs)
        with pytest.raises(ConfigError, match=r"rough mask of 128 x 128 logits, received \(7, 7\)"):
            small.predict(points=[[40, 48]], mask=np.zeros((7, 7)))

    def test_a_large_picture_is_worked_on_smaller(self, small: SAM) -> None:
        picture = np.full((1500, 2000, 3), 40, np.uint8)
        y, x = np.mgrid[0:1500, 0:2000]
        truth = (x - 900) ** 2 + (y - 700) ** 2 < 400**2
        picture[truth] = (220, 60, 50)
        small.set_image(picture)
        masks, _, low_res = small.predict(box=[500, 300, 1300, 1100], multimask_output=False)
        assert masks.shape == (1, 1500, 2000)
        assert low_res.shape == (1, 1024, 1024)
        assert overlap(masks[0], truth) > 0.92

    def test_a_picture_of_one_pixel_and_one_of_a_line(self, small: SAM) -> None:
        for shape in ((1, 1, 3), (1, 300, 3)):
            small.set_image(np.zeros(shape, np.uint8))
            masks, _, _ = small.predict(points=[[0.5, 0.5]])
            assert masks.shape[1:] == shape[:2]

    def test_held_back_scenes_beside_grabcut(self, small: SAM) -> None:
        classic = SAM("classic", cache=EmbeddingCache(disk_bytes=0))
        found: dict[str, list[float]] = {}
        for number in range(4):
            scene = draw_scene((HELD_BACK, number))
            picture = np.ascontiguousarray(scene.image[..., ::-1])
            height, width = picture.shape[:2]
            for sam in (small, classic):
                sam.set_image(picture)
            for annotation in scene.annotations:
                truth = to_mask(annotation.geometry, height, width).to_array() > 0
                ys, xs = np.nonzero(truth)
                box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
                middle = len(ys) // 2
                for name, sam in (("small", small), ("classic", classic)):
                    masks, _, _ = sam.predict(box=box, multimask_output=False)
                    found.setdefault(f"{name} box", []).append(overlap(masks[0], truth))
                    masks, scores, _ = sam.predict(points=[[xs[middle] + 0.5, ys[middle] + 0.5]])
                    best = masks[scores.argmax()]
                    found.setdefault(f"{name} click", []).append(overlap(best, truth))
        means = {name: float(np.mean(values)) for name, values in found.items()}
        assert means["small box"] > max(0.8, means["classic box"])
        assert means["small click"] > max(0.6, means["classic click"])


class TestFile:
    def test_it_is_small_and_chosen_where_nothing_else_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert SMALL_FILE.stat().st_size < LARGEST_BYTES
        monkeypatch.chdir(tmp_path)
        assert choose_segmenter("cpu") == "sam_small"

    def test_where_it_is_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        missing = tmp_path / "sam_small.safetensors"
        monkeypatch.setattr("engine.models.sam.weights.SMALL_FILE", missing)
        monkeypatch.setattr("engine.models.sam.small.SMALL_FILE", missing)
        monkeypatch.chdir(tmp_path)
        assert choose_segmenter("cpu") == "classic"
        with pytest.raises(MissingCheckpointError, match="train_small"):
            SAM("sam_small")

    def test_weights_of_another_network_are_refused(self, tmp_path: Path) -> None:
        state = read_safetensors(SMALL_FILE)[0]
        name = next(name for name, tensor in state.items() if tensor.ndim)
        for wrong in ({**state, name: state[name][:1]}, {"other": state[name]}):
            file = write_safetensors(tmp_path / "sam_small_other.safetensors", wrong)
            with pytest.raises(CheckpointError, match="its tensors are not those of sam_small"):
                SAM(file)


def test_training_makes_a_file_that_answers(tmp_path: Path, discs: np.ndarray) -> None:
    file = tmp_path / "sam_small_new.safetensors"
    train(steps=3, seconds=600, batch=2, pool=1, start=None, out=file)
    first = read_safetensors(file)[0]
    train(steps=2, seconds=600, batch=2, pool=1, start=file, out=file)
    second = read_safetensors(file)[0]
    assert any(not np.array_equal(first[k].numpy(), second[k].numpy()) for k in first)
    sam = SAM(file, cache=EmbeddingCache(disk_bytes=0))
    sam.set_image(discs)
    assert sam.predict(points=[[40, 48]])[0].shape[1:] == (96, 128)
