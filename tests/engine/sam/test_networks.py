"""The networks: names and numbers of the published ones, files of all kinds, and what is refused."""

from __future__ import annotations

import gzip
import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.models.sam import SAM, EmbeddingCache
from engine.models.sam.architectures import ARCHITECTURES, build, recognise
from engine.models.sam.weights import load_network
from engine.nn.modules.sam_decoder import Attention, MaskDecoder
from engine.nn.modules.sam_vit import ImageEncoderViT
from engine.nn.modules.tiny_vit import TinyViT
from engine.nn.safetensors_file import read_safetensors, write_safetensors
from engine.runtime.errors import CheckpointError, MissingCheckpointError, ModelError
from tests.engine.sam.conftest import seeded
from tests.recorded import read_arrays


@pytest.mark.parametrize(
    ("name", "entry"),
    [("mobile_sam", "mobile_sam (vit_t)"), ("sam_b", "sam vit_b"), ("sam_l", "sam vit_l")],
)
def test_names_and_shapes_are_the_published_ones(shared_dir: Path, name: str, entry: str) -> None:
    facts = json.loads(gzip.decompress((shared_dir / "facts" / "sam.json.gz").read_bytes()))[entry]
    with torch.device("meta"):
        network = build(name)
    own = {key: list(tensor.shape) for key, tensor in network.state_dict().items()}
    assert own == {key: shape for key, shape, _ in facts["state_dict"]}
    assert sum(p.numel() for p in network.parameters()) == facts["parameters"]


@pytest.fixture(scope="module")
def mobile(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SAM, np.ndarray]:
    """MobileSAM with the weights of the reference vectors, and their picture."""
    recipe = _module(shared_dir / "vectors" / "sam" / "seeded_weights.py")
    file = tmp_path_factory.mktemp("mobile") / "mobile_sam.pt"
    torch.save(recipe.fill(build("mobile_sam").state_dict()), file)
    sam = SAM(file, device="cpu", cache=EmbeddingCache(disk_bytes=0))
    sam.set_image(recipe.image())
    return sam, recipe.image()


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("point", {"points": [[160, 120]], "labels": [1]}),
        ("points", {"points": [[420, 300], [160, 120]], "labels": [1, 0]}),
        ("box", {"box": [330, 210, 510, 390]}),
    ],
)
def test_mobile_sam_computes_what_the_reference_does(
    shared_dir: Path, mobile: tuple[SAM, np.ndarray], name: str, prompt: dict
) -> None:
    vectors = read_arrays(shared_dir / "vectors" / "sam" / "mobile_sam.npz")
    masks, scores, low_res = mobile[0].predict(**prompt)
    assert np.abs(low_res - vectors[f"{name}_low_res_logits"]).max() < 1e-4
    assert np.abs(scores - vectors[f"{name}_scores"]).max() < 1e-4
    assert masks.shape == (3, 480, 640)
    assert masks.dtype == bool


def test_the_embedding_is_that_of_the_reference(
    shared_dir: Path, mobile: tuple[SAM, np.ndarray]
) -> None:
    vectors = read_arrays(shared_dir / "vectors" / "sam" / "mobile_sam.npz")
    embedding = mobile[0].embed(mobile[1]).arrays["image"]
    assert np.abs(embedding[:, ::8, ::4, ::4] - vectors["embedding_sample"]).max() < 1e-4
    assert embedding.mean() == pytest.approx(float(vectors["embedding_mean"]), abs=1e-5)


def test_attention_a_head_at_a_time_is_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = ImageEncoderViT(64, 8, 24, 2, 3, (1,), 5, out=8).eval()
    encoder.load_state_dict(seeded(encoder.state_dict()))
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    together = encoder(image)
    monkeypatch.setattr("engine.nn.modules.sam_vit._MANY_CELLS", 10)
    assert torch.allclose(encoder(image), together, atol=1e-5)


def test_windows_and_positions_are_those_of_the_paper() -> None:
    """Written out cell by cell: softmax of (q k / sqrt(d) + q r_h + q r_w) in windows of zeros at the border."""
    encoder = ImageEncoderViT(48, 8, 12, 1, 2, (), 4, out=8).eval()
    encoder.load_state_dict(seeded(encoder.state_dict()))
    attention = encoder.blocks[0].attn
    x = torch.randn(1, 4, 4, 12, generator=torch.Generator().manual_seed(1))
    qkv = attention.qkv(x).view(16, 3, 2, 6)
    expected = torch.zeros(16, 2, 6)
    for head in range(2):
        q, k, v = (qkv[:, part, head] for part in range(3))
        logits = torch.zeros(16, 16)
        for a in range(16):
            for b in range(16):
                down, along = a // 4 - b // 4 + 3, a % 4 - b % 4 + 3
                places = attention.rel_pos_h[down] + attention.rel_pos_w[along]
                logits[a, b] = q[a] @ k[b] / 6**0.5 + q[a] @ places
        expected[:, head] = logits.softmax(1) @ v
    expected = attention.proj(expected.view(1, 4, 4, 12))
    assert torch.allclose(attention(x), expected, atol=1e-5)


def test_folding_changes_nothing() -> None:
    encoder = TinyViT(64, (8, 16, 16, 24), (1, 1, 1, 1), (1, 2, 2, 3), (4, 4, 4, 4), out=8).eval()
    encoder.load_state_dict(seeded(encoder.state_dict()))
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    before = encoder(image)
    for module in encoder.modules():
        if hasattr(module, "fold"):
            module.fold()
    assert before.shape == (1, 8, 4, 4)
    assert torch.allclose(encoder(image), before, atol=1e-5)


def test_what_was_prepared_answers_as_the_whole_does() -> None:
    network = build("tiny_sam").eval()
    network.load_state_dict(seeded(network.state_dict()))
    image = network.encode(torch.rand(1, 3, 60, 128, generator=torch.Generator().manual_seed(0)))
    points = torch.tensor([[[10.0, 20], [0, 0]], [[100, 50], [7, 9]]])
    labels = torch.tensor([[1, -1], [1, 0]])
    whole = network.decode(image, points, labels)
    quick = network.answer(network.prepare(image), points, labels)
    for ours, theirs in zip(quick, whole, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    "tokens", [1, 3, 9]
)  # of 9 tokens nothing is saved: the plain way is taken
def test_few_tokens_and_many_cells_attend_as_any_others_do(tokens: int) -> None:
    torch.manual_seed(0)
    attention = Attention(32, 2, 2)
    few, many, other = torch.randn(2, tokens, 32), torch.randn(2, 50, 32), torch.randn(2, 50, 32)
    assert torch.allclose(
        attention.gather(few, many, other), attention(few, many, other), atol=1e-6
    )
    plain = other + attention(many, few, few.flip(1))
    assert torch.allclose(attention.spread(other, many, few, few.flip(1)), plain, atol=1e-6)
    asked = attention.apart(attention.q_proj(many))
    assert torch.allclose(attention.spread(other, many, few, few.flip(1), asked), plain, atol=1e-6)


def test_masks_are_enlarged_as_the_published_layers_do() -> None:
    torch.manual_seed(0)
    decoder = MaskDecoder(32, 2, 16)
    cells = torch.randn(2, 3 * 5, 32)
    maps = decoder.output_upscaling(cells.transpose(1, 2).unflatten(2, (3, 5)))
    found = torch.randn(2, 5, 32)
    mixed = [mlp(found[:, i + 1]) for i, mlp in enumerate(decoder.output_hypernetworks_mlps)]
    wanted = (torch.stack(mixed, 1) @ maps.flatten(2)).unflatten(2, (12, 20))
    assert torch.allclose(decoder._masks(found, cells, (3, 5))[0], wanted, atol=1e-5)


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"model": s}, lambda s: {f"module.{k}": v for k, v in s.items()}])  # fmt: skip
def test_files_of_all_kinds_are_read(tmp_path: Path, wrap: object) -> None:
    state = seeded(build("tiny_sam").state_dict())
    torch.save(wrap(state), tmp_path / "a.pt")  # type: ignore[operator]
    network, identity = load_network(tmp_path / "a.pt")
    assert network.name == "tiny_sam"
    assert identity.startswith("tiny_sam-")
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, state[key]), key
    assert torch.isfinite(network.pixel_mean).all()


def test_half_precision_is_read_as_float(tmp_path: Path, small_weights: Path) -> None:
    state = {k: v.half() for k, v in read_safetensors(small_weights)[0].items()}
    network, _ = load_network(write_safetensors(tmp_path / "h.safetensors", state))
    assert network.mask_decoder.iou_token.weight.dtype == torch.float32


def test_each_architecture_is_recognised() -> None:
    for name in ARCHITECTURES:
        with torch.device("meta"):
            assert recognise(build(name).state_dict()) == name


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(ModelError, match="mobile_sam"):
        build("sam_x")


class TestRefused:
    """Files that are none of ours."""

    def test_a_detector(self, tmp_path: Path) -> None:
        torch.save({"model.0.conv.weight": torch.zeros(3)}, tmp_path / "a.pt")
        with pytest.raises(CheckpointError, match=r"another architecture.*YOLO"):
            SAM(tmp_path / "a.pt")

    def test_another_size(self, tmp_path: Path) -> None:
        state = build("tiny_sam").state_dict()
        state["mask_decoder.iou_token.weight"] = torch.zeros(1, 7)
        torch.save(state, tmp_path / "a.pt")
        with pytest.raises(CheckpointError, match=r"expected \(1, 64\), received \(1, 7\)"):
            SAM(tmp_path / "a.pt")

    def test_no_numbers(self, tmp_path: Path) -> None:
        state = build("tiny_sam").state_dict()
        state["mask_decoder.iou_token.weight"][:] = float("nan")
        torch.save(state, tmp_path / "a.pt")
        with pytest.raises(CheckpointError, match="NaN"):
            SAM(tmp_path / "a.pt")

    def test_a_truncated_file(self, tmp_path: Path) -> None:
        torch.save(build("tiny_sam").state_dict(), tmp_path / "a.pt")
        whole = (tmp_path / "a.pt").read_bytes()
        (tmp_path / "a.pt").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(CheckpointError, match="cut short"):
            SAM(tmp_path / "a.pt")

    def test_a_hostile_file(self, tmp_path: Path) -> None:
        marker = tmp_path / "was here"

        class Evil:
            def __reduce__(self) -> tuple:
                return Path.touch, (marker,)

        with (tmp_path / "a.pt").open("wb") as file:
            pickle.dump({"x": Evil()}, file, protocol=2)
        with pytest.raises(CheckpointError):
            SAM(tmp_path / "a.pt")
        torch.save({"x": Evil()}, tmp_path / "b.pt")
        with pytest.raises(CheckpointError, match="would run code"):
            SAM(tmp_path / "b.pt")
        assert not marker.exists()

    def test_a_file_that_is_not_there(self) -> None:
        with pytest.raises(MissingCheckpointError):
            SAM("mobile_sam.pt")
        with pytest.raises(MissingCheckpointError, match=r"Did you mean mobile_sam\.pt"):
            SAM("mobil_sam.pt")


def _module(path: Path) -> object:
    spec = importlib.util.spec_from_file_location("seeded_weights", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
