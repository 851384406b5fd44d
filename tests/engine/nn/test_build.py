import copy

import pytest
import torch
from torch import nn

from engine.cfg.model_yaml import find_model_yaml
from engine.nn.build import LAYERS, build_layers
from engine.nn.modules.conv import Conv
from engine.nn.tasks import build_model
from engine.runtime.errors import ModelError


@pytest.fixture
def tiny():
    return {
        "backbone": [[-1, 1, "Conv", [16, 3, 2]], [-1, 1, "Conv", [16, 3, 2]]],
        "head": [[[-1, 0], 1, "Concat", [1]], [[0, 1], 1, "Detect", ["nc"]]],
    }


def test_layers_know_their_place(tiny):
    tiny["head"][0] = [-1, 1, "nn.Upsample", ["None", 2, "nearest"]]
    model, save = build_layers(tiny, 3, 5)
    assert [layer.i for layer in model] == [0, 1, 2, 3]
    assert [layer.f for layer in model] == [-1, -1, -1, [0, 1]]
    assert [layer.type for layer in model] == ["Conv", "Conv", "Upsample", "Detect"]
    assert save == [0, 1]
    assert model[0].np == 16 * 3 * 9 + 32
    assert model[3].nc == 5


def test_widths_are_scaled_cut_and_rounded_to_eight():
    description = find_model_yaml("yolo11n.yaml")
    description["scales"]["n"] = [0.5, 0.3, 512]
    model, _ = build_layers(description, 3, 80)
    assert model[0].conv.out_channels == 24  # 64 * 0.3 = 19.2
    assert model[7].conv.out_channels == 160  # 1024 cut to 512, * 0.3 = 153.6


def test_large_scales_take_the_deeper_block_everywhere():
    small, large = (build_layers(find_model_yaml(f"yolo11{s}.yaml"), 3, 1)[0] for s in "sm")
    assert type(small[2].m[0]).__name__ == "Bottleneck"
    assert type(large[2].m[0]).__name__ == "C3k"
    assert type(small[6].m[0]).__name__ == "C3k"


def test_repeats_follow_the_depth():
    n, x = (build_layers(find_model_yaml(f"yolo11{s}.yaml"), 3, 1)[0] for s in "nx")
    assert (len(n[2].m), len(x[2].m)) == (1, 2)


def test_a_repeated_plain_layer_becomes_a_chain(tiny):
    tiny["backbone"][1] = [-1, 3, "Conv", [24, 3, 1]]
    model, _ = build_layers(tiny, 3, 1)
    assert [conv.conv.in_channels for conv in model[1]] == [16, 24, 24]


def test_activation_of_the_description_replaces_silu(tiny):
    model, _ = build_layers({**tiny, "activation": "nn.ReLU()"}, 3, 1)
    assert all(isinstance(m.act, nn.ReLU) for m in model.modules() if isinstance(m, Conv))
    with pytest.raises(ModelError, match=r"activations SiLU, ReLU.*received 'os.system\(1\)'"):
        build_layers({**tiny, "activation": "os.system(1)"}, 3, 1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([-1, 1, "Konv", [16]], r"layer 1: there is no module 'Konv'.*Did you mean 'Conv'"),
        ([7, 1, "Conv", [16]], r"layer 1: reads layer 7, which comes after it, a cycle"),
        ([1, 1, "Conv", [16]], r"layer 1: reads itself, a cycle"),
        ([-1, 1, "Conv", []], r"layer 1: .* does not fit Conv"),
        ([-1, 1, "Conv", ["wide"]], r"layer 1: .* does not fit Conv"),
        ([-1, 1, "Conv"], r"layer 1: expected \[from, repeats, module, arguments\]"),
        ([-1, 1, "Conv", [16, 3, 1, 1, 1, 1, True, 9]], "layer 1: .* cannot be built"),
        ([-1, 1, "C2PSA", [128]], "layer 1: .* as many channels out as in"),
    ],
)
def test_rows_that_cannot_be_built_are_named(tiny, row, message):
    tiny["backbone"][1] = row
    with pytest.raises(ModelError, match=message):
        build_layers(tiny, 3, 1)


def test_descriptions_are_left_as_they_are(tiny):
    before = copy.deepcopy(tiny)
    build_layers(tiny, 3, 2)
    assert tiny == before


def test_every_row_of_the_table_is_a_module():
    assert all(issubclass(module, nn.Module) for module, _ in LAYERS.values())
    assert torch.nn.Upsample is LAYERS["nn.Upsample"][0]


@pytest.mark.parametrize("name", ["yolo11n.yaml", "yolo26n-seg.yaml", "yolo12n.yaml"])
def test_strides_are_those_that_a_forward_shows(name):
    model = build_model(name, verbose=False).eval()
    _, raw = model(torch.zeros(1, 3, 64, 128))
    shapes = [tuple(f.shape[2:]) for f in raw.get("one2many", raw)["feats"]]
    assert shapes == [(64 // s, 128 // s) for s in model.stride.int().tolist()]


def test_maps_of_different_sizes_cannot_be_joined(tiny):
    tiny["backbone"].append([-1, 1, "nn.Upsample", [None, 2, "nearest"]])
    tiny["head"][0][0] = [-1, 1]
    with pytest.raises(ModelError, match=r"layer 3: joins maps of different sizes \(1/2, 1/4\)"):
        build_model(tiny, verbose=False)
    tiny["backbone"][-1][3] = [[16, 16]]
    with pytest.raises(ModelError, match=r"layer 2: nn\.Upsample needs one factor"):
        build_model(tiny, verbose=False)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([-1, 1, "Conv", [900_000, 900]], "layer 1: the model would have more than 500,000,000"),
        ([-1, 1, "Conv", [16, 60_000]], "layer 1: the model would have more than 500,000,000"),
        ([-1, 200, "C2f", [4096]], "layer 1: the model would have more than 500,000,000"),
    ],
)
def test_models_that_no_memory_holds_are_refused_before_they_are_made(tiny, row, message):
    tiny["backbone"][1] = row
    with pytest.raises(ModelError, match=message):
        build_layers(tiny, 3, 80)


def test_layers_before_the_last_are_counted_from_the_end(tiny):
    tiny["backbone"][1:] = [[-1, 1, "Conv", [16, 3, 1]], [-2, 1, "Conv", [16, 3, 1]]]
    tiny["head"] = [[[-1, -2], 1, "Concat", [1]], [[-1], 1, "Detect", ["nc"]]]
    layers, kept = build_layers(tiny, 3, 80)
    assert [layer.f for layer in layers] == [-1, -1, 0, [-1, 1], [-1]]
    assert kept == [0, 1]


def test_what_cannot_be_built_names_the_file(tiny):
    tiny["backbone"][1][2] = "Konv"
    with pytest.raises(ModelError) as error:
        build_layers(tiny | {"yaml_file": "mine.yaml"}, 3, 80)
    assert str(error.value).startswith("mine.yaml: layer 1: there is no module 'Konv'")
