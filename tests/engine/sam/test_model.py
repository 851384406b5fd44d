"""SAM as people hold it: one picture and clicks, sources, caches, ONNX files, no network at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import engine.models.sam.registry as registry
from engine import SAM
from engine.core.results import Results
from engine.data.images import write_image
from engine.models.sam import EmbeddingCache, choose_segmenter
from engine.models.sam.classic import ClassicSegmenter
from engine.models.sam.embedding_cache import embedding_key
from engine.models.sam.everything import Everything, find_everything, stability
from engine.models.sam.frame import Frame
from engine.models.sam.onnx_pair import OnnxSegmenter, export_pair
from engine.models.sam.packages import sam2_config
from engine.models.sam.prompts import Prompt, as_tokens, make_prompt, make_prompts
from engine.models.sam.segmenter import Candidates, Embedding
from engine.runtime.errors import CheckpointError, ConfigError, ImageError, ModelError
from tests.engine.sam.conftest import disc


@pytest.fixture
def sam(small_weights: Path, memory_only: EmbeddingCache) -> SAM:
    return SAM(small_weights, device="cpu", cache=memory_only)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / max(np.count_nonzero(a | b), 1)


class TestOnePicture:
    def test_shapes(self, sam: SAM, discs: np.ndarray) -> None:
        sam.set_image(discs)
        masks, scores, low_res = sam.predict(points=[[40, 48]], labels=[1])
        assert masks.shape == (3, 96, 128)
        assert masks.dtype == bool
        assert scores.shape == (3,)
        assert low_res.shape == (3, 128, 128)
        one, _, _ = sam.predict(box=[20, 28, 60, 68], multimask_output=False)
        assert one.shape == (1, 96, 128)

    def test_logits_are_what_masks_are_cut_from(self, sam: SAM, discs: np.ndarray) -> None:
        sam.set_image(discs)
        masks, _, _ = sam.predict(points=[[40, 48]])
        logits, _, _ = sam.predict(points=[[40, 48]], return_logits=True)
        assert np.array_equal(masks, logits > 0)

    def test_a_rough_mask_changes_the_answer(self, sam: SAM, discs: np.ndarray) -> None:
        sam.set_image(discs)
        _, _, low_res = sam.predict(points=[[40, 48]])
        _, _, again = sam.predict(points=[[40, 48]], mask=low_res[:1])
        assert np.abs(again - low_res).max() > 1e-3
        with pytest.raises(ConfigError, match="128 x 128"):
            sam.predict(points=[[40, 48]], mask=np.zeros((64, 64)))

    def test_without_a_picture(self, sam: SAM) -> None:
        with pytest.raises(ModelError, match="set_image"):
            sam.predict(points=[[1, 1]])

    def test_a_file_is_the_same_picture(self, sam: SAM, discs: np.ndarray, tmp_path: Path) -> None:
        path = write_image(tmp_path / "a.png", discs[..., ::-1])
        sam.set_image(discs)
        wanted = sam.predict(points=[[40, 48]])[2]
        sam.set_image(path)
        assert np.array_equal(sam.predict(points=[[40, 48]])[2], wanted)

    @pytest.mark.parametrize("wrong", [np.zeros((4, 5), np.uint8), np.zeros((4, 5, 3)), np.zeros((0, 5, 3), np.uint8)])  # fmt: skip
    def test_what_is_no_picture_is_refused(self, sam: SAM, wrong: np.ndarray) -> None:
        with pytest.raises(ImageError, match="uint8 RGB"):
            sam.set_image(wrong)


class TestPrompts:
    SIZE = (96, 128)

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"points": [[128.5, 3]]}, "outside of the picture, which is 128 x 96"),
            ({"points": [[-1, 3]]}, "outside"),
            ({"box": [130, 10, 150, 20]}, "no part in the picture"),
            ({"box": [10, 10, 10, 20]}, "no part"),
            ({"box": [1, 2, 3]}, "x1, y1, x2, y2"),
            ({"points": [[1, 2, 3]]}, "x, y pairs"),
            ({"points": [[1, 2]], "labels": [1, 0]}, "a label a point"),
            ({"points": [[1, 2]], "labels": [2]}, "1 .* or 0"),
            ({"points": [["a", 2]]}, "as numbers"),
            ({"points": [[float("nan"), 2]]}, "finite"),
            ({}, "none of them"),
        ],
    )
    def test_refused(self, given: dict, words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            make_prompt(self.SIZE, **given)

    def test_a_box_is_cut_at_the_border_and_put_upright(self) -> None:
        assert make_prompt(self.SIZE, box=[60, 50, -5, 200]).box.tolist() == [0, 50, 60, 96]

    def test_tokens(self) -> None:
        points, labels = as_tokens(make_prompt(self.SIZE, [[1, 2]], [0]))
        assert labels.tolist() == [0, -1]
        points, labels = as_tokens(make_prompt(self.SIZE, [[1, 2]], [0], [3, 4, 5, 6]))
        assert labels.tolist() == [0, 2, 3]
        assert points.tolist() == [[1, 2], [3, 4], [5, 6]]

    @pytest.mark.parametrize(
        ("points", "labels", "counts"),
        [
            ([40, 48], None, [1]),
            ([40, 48], [1], [1]),
            ([40, 48], 1, [1]),
            ([[40, 48], [95, 40]], [1, 1], [1, 1]),
            ([[[40, 48], [95, 40]]], [[1, 0]], [2]),
            ([[[40, 48], [95, 40]]], [1, 0], [2]),
            ([[[40, 48], [95, 40]], [[1, 2]]], [[1, 0], [1]], [2, 1]),
            (torch.tensor([[40, 48]]), torch.tensor([1]), [1]),
        ],
    )
    def test_nesting_says_which_points_are_of_one_object(
        self, points: object, labels: object, counts: list[int]
    ) -> None:
        found = make_prompts(self.SIZE, points, labels)
        assert [len(p.points) for p in found] == counts

    def test_boxes_and_points_of_different_numbers(self) -> None:
        with pytest.raises(ConfigError, match="as many objects"):
            make_prompts(self.SIZE, [[1, 2]], None, [[1, 2, 3, 4], [1, 2, 5, 6]])
        with pytest.raises(ConfigError, match="no points"):
            make_prompts(self.SIZE, None, [1], [[1, 2, 3, 4]])


class TestSources:
    def test_results(self, sam: SAM, discs: np.ndarray) -> None:
        (result,) = sam(discs[..., ::-1], bboxes=[[20, 28, 60, 68], [81, 26, 109, 54]])
        assert isinstance(result, Results)
        assert result.masks.data.shape == (2, 96, 128)
        assert result.boxes.data.shape == (2, 6)
        assert result.boxes.cls.tolist() == [0, 1]
        assert result.names == {0: "0", 1: "1"}

    def test_points_are_an_object_each(self, sam: SAM, discs: np.ndarray) -> None:
        (result,) = sam(discs[..., ::-1], points=[[40, 48], [95, 40]], labels=[1, 1])
        assert len(result) == 2
        (result,) = sam(discs[..., ::-1], points=[[[40, 48], [95, 40]]], labels=[[1, 0]])
        assert len(result) == 1

    def test_many_boxes_are_those_one_by_one(self, sam: SAM, discs: np.ndarray) -> None:
        boxes = [[x, 10, x + 30, 60] for x in range(0, 80, 2)]
        (together,) = sam(discs[..., ::-1], bboxes=boxes)
        for number in (0, 33, 39):
            (alone,) = sam(discs[..., ::-1], bboxes=boxes[number])
            assert np.array_equal(alone.masks.data[0], together.masks.data[number])

    def test_files_are_written(self, sam: SAM, discs: np.ndarray, tmp_path: Path) -> None:
        path = write_image(tmp_path / "a.png", discs[..., ::-1])
        sam(path, bboxes=[20, 28, 60, 68], save=True, save_txt=True, project=tmp_path, name="out")
        assert (tmp_path / "out" / "a.jpg").is_file()

    def test_a_stream_is_lazy(self, sam: SAM, discs: np.ndarray, tmp_path: Path) -> None:
        for name in "ab":
            write_image(tmp_path / f"{name}.png", discs)
        stream = sam(tmp_path, stream=True, points=[40, 48])
        assert next(stream).path.endswith("a.png")

    @pytest.mark.parametrize("given", [{"augment": True}, {"mask": np.zeros((4, 4))}])
    def test_what_means_nothing_is_refused(self, sam: SAM, discs: np.ndarray, given: dict) -> None:
        with pytest.raises(ConfigError):
            sam(discs, points=[1, 1], **given)
        with pytest.raises(ConfigError, match="source"):
            sam.predict(points=[1, 1], save=True)

    def test_a_missing_source(self, sam: SAM) -> None:
        with pytest.raises(ValueError, match="does not exist"):
            sam("nowhere.jpg", points=[1, 1])


class TestEverything:
    def test_each_thing_comes_once_the_best_first(self, discs: np.ndarray) -> None:
        segmenter = KnowsDiscs()
        embedding = segmenter.embed(discs)
        things = find_everything(segmenter, embedding, Everything(points_per_side=8))
        assert [thing.score for thing in things] == pytest.approx([0.96, 0.92])
        assert np.array_equal(things[0].mask(), disc(40, 48, 20))
        assert np.array_equal(things[1].mask(), disc(95, 40, 14))
        large = Everything(points_per_side=8, least_area=1000)
        assert len(find_everything(segmenter, embedding, large)) == 1
        few = Everything(points_per_side=8, score=0.94)
        assert len(find_everything(segmenter, embedding, few)) == 1

    def test_the_network_finds_things_of_the_picture(self, sam: SAM, discs: np.ndarray) -> None:
        things = sam.everything(discs, points_per_side=2, score=0, stability=0)
        assert things
        assert things[0].mask().shape == (96, 128)

    def test_it_can_be_ended(self, sam: SAM, discs: np.ndarray) -> None:
        options = Everything(points_per_side=8, score=0, stability=0)
        shares: list[float] = []
        find_everything(
            sam.segmenter, sam.embed(discs), options, lambda s: shares.append(s) or s == 0
        )
        assert shares == [0, 0.5]

    def test_stability(self) -> None:
        assert stability(np.array([[5.0, -5], [5, -5]])) == 1
        assert stability(np.array([[5.0, 0.5], [5, -0.5]])) == 0.5
        assert stability(np.full((2, 2), -9.0)) == 0

    @pytest.mark.parametrize("options", [{"points_per_side": 0}, {"score": 2}, {"what": 1}])
    def test_options_are_checked(self, sam: SAM, discs: np.ndarray, options: dict) -> None:
        with pytest.raises(ConfigError):
            sam.everything(discs, **options)

    def test_it_needs_a_network(self, discs: np.ndarray, memory_only: EmbeddingCache) -> None:
        with pytest.raises(ModelError, match="needs a network"):
            SAM("classic", cache=memory_only).everything(discs)


class TestFrame:
    @pytest.mark.parametrize("size", [(480, 640), (1, 900), (900, 1), (333, 77), (64, 64)])
    def test_corners_stay_corners(self, size: tuple[int, int]) -> None:
        frame = Frame(size, 64)
        corner = frame.to_square(np.array([[size[1], size[0]]]))[0]
        assert corner.tolist() == [frame.inner_hw[1], frame.inner_hw[0]]
        assert max(frame.inner_hw) == 64
        assert frame.enlarge(np.zeros((16, 16), np.float32)).shape == size

    def test_enlarging_is_torchs(self) -> None:
        logits = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
        frame = Frame((300, 400), 256)
        whole = torch.nn.functional.interpolate(torch.tensor(logits)[None, None], (256, 256), mode="bilinear")  # fmt: skip
        wanted = torch.nn.functional.interpolate(whole[..., :192, :], (300, 400), mode="bilinear")
        assert np.abs(frame.enlarge(logits) - wanted[0, 0].numpy()).max() < 1e-4

    @pytest.mark.parametrize("side", [64, 256])
    @pytest.mark.parametrize("size", [(852, 637), (199, 75), (64, 64), (1, 900), (40, 30)])
    def test_cutting_is_enlarging_where_the_mask_lies(
        self, size: tuple[int, int], side: int
    ) -> None:
        rng, frame = np.random.default_rng(0), Frame(size, side)
        for least in (-9.0, 0.0, 1.0, 9.0):  # everything, much, little, nothing
            coarse = rng.normal(size=(5, 5)).astype(np.float32)
            logits = cv2.resize(coarse, (side // 4, side // 4))
            window, whole = frame.cut(logits, least), frame.enlarge(logits)
            differ = window.whole(size) != (whole > least)
            assert not (np.abs(whole[differ] - least) > 0.02).any()
            assert differ.mean() < 0.001
            assert window.pixels.any() == (whole > least).any()

    def test_a_mask_beside_the_picture_is_empty(self) -> None:
        logits = np.full((16, 16), -1.0, np.float32)
        logits[14:] = 1.0  # below a picture that fills the upper half
        assert not Frame((32, 64), 64).cut(logits, 0.0).pixels.any()


class TestCache:
    def test_a_picture_is_looked_at_once(self, small_weights: Path, tmp_path: Path, discs: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
        first = SAM(small_weights, cache=EmbeddingCache(tmp_path))
        first.set_image(discs)
        wanted = first.predict(points=[[40, 48]])[2]
        second = SAM(small_weights, cache=EmbeddingCache(tmp_path))
        monkeypatch.setattr(type(second.segmenter), "embed", _fail)
        second.set_image(discs)
        assert np.array_equal(second.predict(points=[[40, 48]])[2], wanted)

    def test_another_picture_or_model_has_another_key(self, discs: np.ndarray) -> None:
        other = discs.copy()
        other[0, 0, 0] += 1
        keys = {
            embedding_key(discs, "a"),
            embedding_key(discs, "b"),
            embedding_key(other, "a"),
            embedding_key(discs.reshape(48, 256, 3), "a"),
        }
        assert len(keys) == 4

    def test_memory_is_limited_and_the_newest_stays(self) -> None:
        cache = EmbeddingCache(memory_bytes=10_000, disk_bytes=0)
        for name in "abcd":
            cache.put(name, _embedding(1000))  # 4,000 bytes
        assert [name in cache for name in "abcd"] == [False, False, True, True]
        cache.put("huge", _embedding(100_000))
        assert "huge" in cache
        assert cache.nbytes == 400_000

    def test_disk_is_limited(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("engine.models.sam.embedding_cache._WRITES_BETWEEN_LOOKS", 1)
        cache = EmbeddingCache(tmp_path, disk_bytes=20_000)
        for number in range(12):
            cache.put(str(number), _embedding(1000))
        total = sum(f.stat().st_size for f in tmp_path.iterdir())
        assert 0 < total <= 20_000
        assert EmbeddingCache(tmp_path).get("11") is not None

    def test_a_damaged_file_is_made_anew(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        EmbeddingCache(tmp_path).put("a", _embedding(100))
        (file,) = tmp_path.iterdir()
        file.write_bytes(file.read_bytes()[:200])
        assert EmbeddingCache(tmp_path).get("a") is None
        assert not file.exists()
        assert "made anew" in caplog.text

    def test_an_unwritable_disk_is_done_without(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        cache = EmbeddingCache(tmp_path / "file" / "folder")
        cache.put("a", _embedding(100))
        cache.put("b", _embedding(100))
        assert cache.get("a") is not None
        assert caplog.text.count("memory only") == 1


class TestOnnx:
    @pytest.fixture(scope="class")
    @staticmethod
    def pair(small_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
        return export_pair(small_weights, tmp_path_factory.mktemp("onnx"))

    def test_it_computes_what_the_network_does(
        self, pair: tuple[Path, Path], sam: SAM, discs: np.ndarray, memory_only: EmbeddingCache
    ) -> None:
        other = SAM(pair[1], cache=memory_only)
        assert isinstance(other.segmenter, OnnxSegmenter)
        for one in (sam, other):
            one.set_image(discs)
        for given in (
            {"points": [[40, 48]]},
            {"points": [[40, 48], [1, 1]], "labels": [1, 0], "box": [20, 28, 60, 68]},
        ):
            ours, theirs = sam.predict(**given), other.predict(**given)
            assert np.abs(ours[2] - theirs[2]).max() < 1e-3
            again = sam.predict(**given, mask=ours[2][0]), other.predict(**given, mask=ours[2][0])
            assert np.abs(again[0][2] - again[1][2]).max() < 1e-3

    def test_int8_is_smaller_and_near(
        self, pair: tuple[Path, Path], small_weights: Path, tmp_path: Path
    ) -> None:
        files = export_pair(small_weights, tmp_path, int8=True)
        assert OnnxSegmenter(files[0]).identity != OnnxSegmenter(pair[0]).identity
        assert files[0].name == "seeded_int8.encoder.onnx"

    def test_half_a_pair_is_refused(self, pair: tuple[Path, Path], tmp_path: Path) -> None:
        alone = tmp_path / pair[0].name
        alone.write_bytes(pair[0].read_bytes())
        with pytest.raises(ModelError, match="pair of files"):
            SAM(alone)

    @pytest.mark.parametrize("name", ["classic", "sam_small"])
    def test_what_has_no_encoder_is_refused(self, name: str) -> None:
        with pytest.raises(ModelError, match=f"{name} cannot become a pair.*mobile_sam"):
            export_pair(name)

    def test_a_file_that_is_no_onnx(self, tmp_path: Path) -> None:
        for kind in ("encoder", "decoder"):
            (tmp_path / f"a.{kind}.onnx").write_bytes(b"nothing")
        with pytest.raises(ModelError, match="cannot be opened as ONNX"):
            SAM(tmp_path / "a.encoder.onnx")


class TestClassic:
    @pytest.fixture
    def classic(self, discs: np.ndarray, memory_only: EmbeddingCache) -> SAM:
        sam = SAM("classic", cache=memory_only)
        assert isinstance(sam.segmenter, ClassicSegmenter)
        sam.set_image(discs)
        return sam

    def test_a_box_is_cut_out(self, classic: SAM) -> None:
        masks, _, _ = classic.predict(box=[15, 23, 65, 73])
        assert overlap(masks[0], disc(40, 48, 20)) > 0.95

    def test_a_click_floods_its_colour(self, classic: SAM) -> None:
        masks, scores, _ = classic.predict(points=[[95, 40]])
        assert overlap(masks[scores.argmax()], disc(95, 40, 14)) > 0.9

    def test_a_click_outside_takes_away(self, classic: SAM) -> None:
        both, _, _ = classic.predict(points=[[40, 48], [95, 40]], multimask_output=False)
        one, _, _ = classic.predict(points=[[40, 48], [95, 40]], labels=[1, 0], multimask_output=False)  # fmt: skip
        assert overlap(both[0], disc(40, 48, 20) | disc(95, 40, 14)) > 0.9
        assert overlap(one[0], disc(40, 48, 20)) > 0.9

    def test_a_box_over_everything(self, classic: SAM) -> None:
        masks, _, _ = classic.predict(box=[0, 0, 128, 96])
        assert masks.all()

    def test_a_large_picture_is_worked_on_smaller(self, memory_only: EmbeddingCache) -> None:
        picture = np.full((1500, 2000, 3), 40, np.uint8)
        cv2.circle(picture, (900, 700), 400, (220, 60, 50), -1)
        sam = SAM("classic", cache=memory_only)
        sam.set_image(picture)
        masks, _, _ = sam.predict(points=[[900, 700]])
        assert masks.shape == (3, 1500, 2000)
        assert overlap(masks[1], picture[..., 0] == 220) > 0.97


class TestRegistry:
    def test_the_best_that_is_here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert choose_segmenter("cpu") == "sam_small"
        (tmp_path / "sam_b.pt").touch()
        assert choose_segmenter("cpu") == "sam_b.pt"
        (tmp_path / "mobile_sam.pt").touch()
        assert choose_segmenter("cpu") == "mobile_sam.pt"

    @pytest.mark.parametrize(
        ("weights", "package"), [("sam2.1_b.pt", "sam2"), ("sam2_hiera_tiny.pt", "sam2"), ("sam3.pt", "sam3")]
    )  # fmt: skip
    def test_missing_packages_are_named(
        self, weights: str, package: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registry, "find_spec", lambda name: None)
        with pytest.raises(ModelError, match=f"package {package}.*pip install"):
            SAM(weights)

    @pytest.mark.parametrize(
        ("weights", "config"),
        [
            ("sam2.1_b.pt", "configs/sam2.1/sam2.1_hiera_b+.yaml"),
            ("sam2.1_hiera_base_plus.pt", "configs/sam2.1/sam2.1_hiera_b+.yaml"),
            ("sam2_t.pt", "configs/sam2/sam2_hiera_t.yaml"),
            ("dir/sam2.1_hiera_large.pt", "configs/sam2.1/sam2.1_hiera_l.yaml"),
        ],
    )
    def test_names_of_sam2(self, weights: str, config: str) -> None:
        assert sam2_config(weights) == config

    def test_a_sam2_of_no_size(self) -> None:
        with pytest.raises(ModelError, match="which SAM 2"):
            sam2_config("sam2_mine.pt")

    def test_a_folder_is_no_weights(self, tmp_path: Path) -> None:
        with pytest.raises(CheckpointError, match="folder"):
            SAM(tmp_path)


def test_candidates_know_their_best(discs: np.ndarray) -> None:
    logits = np.stack([np.full((16, 16), v, np.float32) for v in (-1, 2, 3)])
    found = Candidates(logits, np.array([0.1, 0.9, 0.5], np.float32), Frame((96, 128), 64))
    assert found.best == 1
    assert len(found) == 3
    assert found.mask(1).all()
    assert not found.mask(0).any()


class KnowsDiscs:
    """Answers each point on a disc with that disc and its surroundings, any other with noise."""

    identity, about, shares = "knows-discs", "two discs", False

    def embed(self, image: np.ndarray) -> Embedding:
        return Embedding({}, (image.shape[0], image.shape[1]))

    def segment(
        self, embedding: Embedding, prompts: Sequence[Prompt], multimask: bool
    ) -> list[Candidates]:
        frame = Frame(embedding.size_hw, 0)
        answers = []
        for prompt in prompts:
            x, y = prompt.points[0].astype(int)
            on = [
                (m, s) for m, s in ((disc(40, 48, 20), 0.96), (disc(95, 40, 14), 0.92)) if m[y, x]
            ]
            mask, score = on[0] if on else (np.zeros((96, 128), bool), 0.99)
            shaky = np.where(mask, 0.5, -0.5)  # a candidate that is not stable
            logits = np.stack((np.where(mask, 9.0, -9.0), shaky)).astype(np.float32)
            answers.append(Candidates(logits, np.array([score, 0.98], np.float32), frame))
        return answers


def _embedding(numbers: int) -> Embedding:
    return Embedding({"image": np.random.default_rng(0).random(numbers, np.float32)}, (4, 5))


def _fail(*_: object) -> None:
    raise AssertionError("the picture was looked at again")
