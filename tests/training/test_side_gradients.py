"""Gradients worked out beside the backward pass are the ones that autograd gives."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from engine.nn.tasks import build_model
from engine.training.side_gradients import SideGradients, _Convolution, side_gradients

LAYOUTS = (torch.channels_last, torch.contiguous_format)


@pytest.fixture
def side():
    before = torch.get_num_threads()
    made = SideGradients(threads=2)
    yield made
    made.close()
    torch.set_num_threads(before)


def _network(layout=torch.channels_last):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU(),
        nn.Conv2d(8, 16, 1, bias=False), nn.SiLU(),
        nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False),
        nn.Conv2d(16, 8, 1, stride=2, bias=False),
        nn.Conv2d(8, 4, 3, dilation=2, padding="same"),
    )  # fmt: skip
    return network.double().float().to(memory_format=layout)


def _images(layout=torch.channels_last):
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, 32, 32, generator=generator).to(memory_format=layout)


def _gradients(network, images, side=None, passes=1):
    network.zero_grad(set_to_none=True)
    for _ in range(passes):
        if side is None:
            network(images).square().mean().backward()
        else:
            with side.forward():
                loss = network(images).square().mean()
            with side.backward():
                loss.backward()
    return [p.grad for p in network.parameters()]


def _assert_same(found, wanted):
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert one.stride() == other.stride()
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("passes", [1, 3])
def test_gradients_are_those_of_autograd(side, layout, passes):
    network, images = _network(layout), _images(layout)
    wanted = [g.clone() for g in _gradients(network, images, passes=passes)]
    _assert_same(_gradients(network, images, side, passes), wanted)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_in_mixed_precision_are_those_of_autograd(side, layout, monkeypatch):
    network, images = _network(layout), _images(layout)
    formats, work = [], side.add

    def add(weight, gradient):
        formats.append((weight.dtype, gradient().dtype))
        work(weight, gradient)

    monkeypatch.setattr(side, "add", add)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        wanted = [g.clone() for g in _gradients(network, images)]
        found = _gradients(network, images, side)
    assert formats == [(torch.float32, torch.bfloat16)] * 3
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype is torch.float32
        assert one.stride() == other.stride()
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.02 * float(other.abs().max()))


def test_a_whole_network_learns_the_same(side):
    torch.manual_seed(0)
    network = build_model("yolo11n.yaml", nc=2).to(memory_format=torch.channels_last).train()
    images = torch.rand(2, 3, 64, 64).to(memory_format=torch.channels_last)

    def learn(context, backward):
        network.zero_grad(set_to_none=True)
        with context:
            outputs = network(images)
        outputs = outputs.values() if isinstance(outputs, dict) else outputs
        loss = sum(t.square().mean() for t in outputs if isinstance(t, torch.Tensor))
        with backward:
            loss.backward()
        return [None if p.grad is None else p.grad.clone() for p in network.parameters()]

    wanted = learn(nullcontext(), nullcontext())
    assert any(g is not None for g in wanted)
    _assert_same(learn(side.forward(), side.backward()), wanted)


def test_convolutions_really_take_this_way(side, monkeypatch):
    weights = []
    add = side.add
    monkeypatch.setattr(
        side, "add", lambda weight, work: (weights.append(weight), add(weight, work))
    )
    network = _network()
    _gradients(network, _images(), side)
    # grouped convolutions and those with a bias are left to autograd
    assert {id(w) for w in weights} == {id(network[i].weight) for i in (0, 3, 6)}


def test_frozen_weights_get_none_and_hooks_are_called(side):
    network, called = _network(), []
    network[0].weight.requires_grad_(False)
    network[3].weight.register_hook(lambda gradient: called.append("before"))
    network[6].weight.register_post_accumulate_grad_hook(lambda weight: called.append("after"))
    gradients = _gradients(network, _images(), side)
    assert gradients[0] is None
    assert sorted(called) == ["after", "before"]
    assert network[3].weight.grad is not None


def test_a_weight_used_twice_gets_the_sum(side):
    torch.manual_seed(0)
    shared = nn.Conv2d(3, 3, 3, padding=1, bias=False)
    network = nn.Sequential(shared, nn.SiLU(), shared)
    wanted = [g.clone() for g in _gradients(network, _images())]
    _assert_same(_gradients(network, _images(), side), wanted)


def test_an_error_comes_out_of_the_pass_and_the_next_one_works(side):
    network, images = _network(), _images()

    def fails():
        raise MemoryError("no memory for a gradient")

    def backward():
        with side.backward():
            for _ in range(20):
                side.add(network[0].weight, fails)

    with pytest.raises(MemoryError, match="no memory"):
        backward()
    wanted = [g.clone() for g in _gradients(network, images)]
    _assert_same(_gradients(network, images, side), wanted)


def test_threads_are_as_before(side):
    torch.set_num_threads(2)
    with side.backward():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_where_cores_are_divided(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    divided = side_gradients(torch.device("cpu"), compiled=False)
    assert isinstance(divided, SideGradients)
    divided.close()
    for device, compiled in (("cpu", True), ("cuda", False)):
        assert not isinstance(side_gradients(torch.device(device), compiled), SideGradients)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert not isinstance(side_gradients(torch.device("cpu"), False), SideGradients)


def test_nothing_is_noted_without_gradients(side, monkeypatch):
    monkeypatch.setattr(_Convolution, "apply", lambda *_: pytest.fail("noted"))
    with torch.no_grad(), side.forward():
        assert _network()(_images()).shape == (2, 4, 8, 8)
