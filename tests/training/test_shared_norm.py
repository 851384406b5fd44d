"""Batch normalisation, losses and gradients that are shared out, each share in a thread or process of its own."""

from __future__ import annotations

import contextvars
import copy
import itertools
import threading

import pytest
import torch
from torch import nn

from engine.data.build import SharedBatches, build_dataloader
from engine.losses.shares import processes, share_of, share_of_number, shared_out
from engine.models.yolo.classify.train import ClassificationTrainer
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.obb.train import OBBTrainer
from engine.models.yolo.pose.train import PoseTrainer
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.models.yolo.semseg.train import SemSegTrainer
from engine.training.shared_norm import ProcessorBatchNorm, share_statistics
from engine.training.team import Team

TRAINERS = {
    "detect": DetectionTrainer, "segment": SegmentationTrainer, "pose": PoseTrainer,
    "obb": OBBTrainer, "classify": ClassificationTrainer, "semseg": SemSegTrainer,
}  # fmt: skip


class Threads(Team):
    """Adds up tensors of two threads, each of which stands for a process."""

    size = 2

    def __init__(self):
        self._barrier = threading.Barrier(2, timeout=60)
        self._values = {}

    def total(self, values):
        number = self._barrier.wait()
        self._values[number] = values
        self._barrier.wait()
        found = self._values[0] + self._values[1]
        self._barrier.wait()
        return found

    def run(self, *works):
        results, errors = [None, None], []

        def run(number, work):
            try:
                results[number] = work()
            except BaseException as error:  # noqa: BLE001 (raised again where the threads are joined)
                errors.append(error)
                self._barrier.abort()

        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(run, number, work))
            for number, work in enumerate(works)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return results


def _gradients(model):
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("task", list(TRAINERS))
def test_losses_of_shares_have_the_gradient_of_the_whole_batch(task, tiny_task, make_trainer):
    given = tiny_task(task, train=5)
    trainer = make_trainer(TRAINERS[task], **given, mosaic=0.0, erasing=0.0)
    trainer.data, trainer.stride = trainer.get_dataset(), 32
    trainer.model = trainer.get_model(trainer.args.model)
    trainer.set_model_attributes()
    trainer._memory_format = torch.contiguous_format
    dataset = trainer.build_dataset(trainer.data["train"], "train", 5)
    samples = [dataset[number] for number in range(5)]
    model = trainer.model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.Dropout):
            module.eval()  # so that only the loss joins the images

    def learn(network, some):
        batch = trainer.preprocess_batch(dataset.collate_fn(copy.deepcopy(some)))
        loss, items = network.loss(batch)
        loss.sum().backward()
        return loss.sum().detach(), items

    shares = [copy.deepcopy(model), copy.deepcopy(model)]
    loss, items = learn(model, samples)
    team = Threads()

    def learn_share(number):
        with shared_out(team.total, team.size):
            return learn(shares[number], samples[number::2])

    (one, one_items), (other, other_items) = team.run(
        lambda: learn_share(0), lambda: learn_share(1)
    )
    assert processes() == 1
    assert (one + other) / 2 == pytest.approx(float(loss), rel=1e-4)
    assert torch.allclose((one_items + other_items) / 2, items, rtol=1e-4, atol=1e-6)
    expected = _gradients(model)
    found = [_gradients(share) for share in shares]
    assert expected.keys() == found[0].keys() == found[1].keys()
    for name, value in expected.items():
        away = ((found[0][name] + found[1][name]) / 2 - value).abs().max()
        assert away <= 1e-4 * value.abs().max() + 1e-6, name


def test_counts_alone_stay_what_they_are():
    like = torch.zeros(())
    assert share_of_number(0, like) == 1
    assert share_of_number(5, like) == 5
    assert share_of(torch.tensor(0.25)) == 1.0


@pytest.mark.parametrize("momentum", [0.1, None])
def test_statistics_over_shares_are_those_of_all_images(momentum):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=momentum)).train()
    nn.init.uniform_(plain[1].weight, 0.5, 2)
    team = Threads()
    shares = [copy.deepcopy(plain), copy.deepcopy(plain)]
    for share in shares:
        weight, mean = share[1].weight, share[1].running_mean
        assert share_statistics(share, team) == 1
        assert isinstance(share[1], ProcessorBatchNorm)
        assert share[1].weight is weight  # what an optimizer and an average hold on to
        assert share[1].running_mean is mean
    images, slope = torch.randn(5, 3, 8, 8) * 3 + 100, torch.randn(5, 4, 6, 6)
    for _ in range(2):
        plain.zero_grad()
        (plain(images) * slope).sum().backward()

    def work(number):
        for _ in range(2):
            shares[number].zero_grad()
            out = shares[number](images[number::2])
            (out * slope[number::2]).sum().backward()
        return out.detach()

    outs = team.run(lambda: work(0), lambda: work(1))
    whole = plain(images).detach()
    for number, out in enumerate(outs):
        assert torch.allclose(out, whole[number::2], atol=1e-3)
    expected = _gradients(plain)
    for name, value in expected.items():
        total = sum(_gradients(share)[name] for share in shares)
        assert torch.allclose(total, value, rtol=1e-3, atol=2e-2), name
    for share in shares:
        share.eval()
        assert torch.equal(shares[0][1].running_mean, share[1].running_mean)
        assert int(share[1].num_batches_tracked) == 2
        assert share(images).shape == whole.shape


def test_statistics_of_numbers_of_16_bits_are_those_of_float32():
    torch.manual_seed(0)
    plain = nn.BatchNorm2d(4).train()
    shares = [copy.deepcopy(plain), copy.deepcopy(plain)]
    team = Threads()
    for share in shares:
        share_statistics(share, team)
    images = (torch.randn(6, 4, 9, 9) + 30).bfloat16()
    slope = torch.randn(6, 4, 9, 9).bfloat16()
    exact = images.float().requires_grad_()
    (plain(exact) * slope.float()).sum().backward()

    def work(number):
        own = images[number::2].clone().requires_grad_()
        out = shares[number](own)
        out.backward(slope[number::2])
        assert out.dtype is own.grad.dtype is torch.bfloat16
        return own.grad

    gradients = team.run(lambda: work(0), lambda: work(1))
    for number, gradient in enumerate(gradients):
        wanted = exact.grad[number::2]
        assert torch.allclose(gradient.float(), wanted, atol=0.01 * float(wanted.abs().max()))
    for share in shares:
        assert torch.allclose(share.running_mean, plain.running_mean, rtol=1e-5)
        assert torch.allclose(share.running_var, plain.running_var, rtol=1e-3)
        assert share.weight.grad.dtype is torch.float32


@pytest.mark.parametrize("few", [True, False])
def test_a_training_shares_statistics_where_asked(make_trainer, tiny_task, few):
    trainer = make_trainer(
        **tiny_task("detect", 4), device="cpu,cpu", epochs=1, sync_bn=None if few else False
    )
    seen = []
    trainer.add_callback(
        "on_train_start",
        lambda t: seen.append(any(isinstance(m, ProcessorBatchNorm) for m in t.model.modules())),
    )
    trainer.train()
    assert seen == [few]
    assert not any(isinstance(m, ProcessorBatchNorm) for m in trainer.ema.ema.modules())


@pytest.mark.parametrize("images", [2, 7, 8, 9, 11])
@pytest.mark.parametrize("world", [2, 3])
def test_batches_of_all_processes_are_those_of_one(make_trainer, tiny_task, images, world):
    if images < world:
        pytest.skip("refused by the trainer")
    trainer = make_trainer(**tiny_task("detect", images))
    trainer.data = trainer.get_dataset()
    dataset = trainer.build_dataset(trainer.data["train"])
    alone = build_dataloader(dataset, 2 * world, seed=3)
    alone.set_epoch(4)
    whole = [key[0] for key in alone.order]
    shared = []
    for rank in range(world):
        sampler = type(alone.order)(dataset, True, 3, rank, world)
        sampler.epoch = 4
        batches = SharedBatches(sampler, 2)
        shared.append([[key[0] for key in batch] for batch in batches])
        assert len(batches) == len(shared[-1])
    assert len({len(batches) for batches in shared}) == 1
    assert all(batch for batches in shared for batch in batches)
    found = [list(itertools.chain(*parts)) for parts in zip(*shared, strict=True)]
    assert sorted(itertools.chain(*found)) == sorted(whole)
    for number, batch in enumerate(found[:-1]):
        assert sorted(batch) == sorted(whole[number * 2 * world : (number + 1) * 2 * world])
