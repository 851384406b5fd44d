"""Trainers, models and losses of a person's own, as the specification's "Advanced Customization" shows them."""

from __future__ import annotations

import pytest
import torch

from engine.losses.detection import DetectionLoss
from engine.models.yolo.detect import DetectionTrainer, DetectionValidator
from engine.models.yolo.segment import SegmentationTrainer
from engine.nn.checkpoint import load_checkpoint
from engine.nn.tasks import DetectionModel


@pytest.fixture
def overrides(arguments, tiny_task):
    """Arguments of a tiny training, as a person gives them."""
    return {**arguments, **tiny_task("detect"), "epochs": 1}


def test_trainer_from_overrides_gives_its_best_model(overrides):
    trainer = DetectionTrainer(overrides=overrides)
    trainer.train()
    trained_model = trainer.best  # get best model
    assert load_checkpoint(trained_model).task == "detect"
    measured = DetectionValidator(args={"data": overrides["data"], "imgsz": 64, "plots": False})
    assert measured(model=trained_model)["metrics/mAP50(B)"] == pytest.approx(
        trainer.metrics["metrics/mAP50(B)"], abs=0.05
    )


def test_get_model_without_verbose_may_give_any_detection_model(overrides):
    class CustomTrainer(DetectionTrainer):
        def get_model(self, cfg, weights):
            """Loads a custom detection model given configuration and weight files."""
            given.append((cfg, weights))
            model = DetectionModel(cfg, nc=self.data["nc"], verbose=False)
            torch.nn.init.constant_(model.model[0].bn.weight, 3.0)
            return model

    given = []
    trainer = CustomTrainer(overrides=overrides)
    started = []
    trainer.add_callback(
        "on_train_start", lambda t: started.append(t.model.model[0].bn.weight.mean().item())
    )
    trainer.train()
    assert given == [(overrides["model"], None)]
    assert started == [3.0]


def test_own_optimizer_and_rates_of_a_callback_are_what_trains(overrides):
    class CustomTrainer(DetectionTrainer):
        def build_optimizer(self, model, name="auto", lr=0.001, momentum=0.9, decay=1e-5):
            head = {id(p) for p in model.model[-1].parameters()}
            rest = [p for p in model.parameters() if id(p) not in head]
            groups = [{"params": rest, "lr": lr * 0.01}, {"params": model.model[-1].parameters()}]
            return torch.optim.SGD(groups, lr=lr, momentum=momentum)

    rates = []
    trainer = CustomTrainer(overrides={**overrides, "lr0": 0.01, "optimizer": "SGD", "epochs": 3})

    def lower(t):
        if t.epoch == 2:
            t.optimizer.param_groups[1]["lr"] = 1e-9

    trainer.add_callback("on_train_epoch_start", lower)
    trainer.add_callback(
        "optimizer_step", lambda t: rates.append([g["lr"] for g in t.optimizer.param_groups])
    )
    trainer.train()
    assert rates[0][0] == pytest.approx(rates[0][1] * 0.01)
    assert rates[-1][1] <= 1e-9
    assert rates[-1][0] > 1e-6


def test_own_criterion_and_an_added_callback(overrides):
    class Doubled(DetectionLoss):
        def __call__(self, preds, batch):
            total, items = super().__call__(preds, batch)
            seen.append(items)
            return 2 * total, 2 * items

    class MyCustomModel(DetectionModel):
        def init_criterion(self):
            return Doubled(self.nc, self.head.reg_max, self.stride, self.args)

    class CustomTrainer(DetectionTrainer):
        def get_model(self, cfg, weights):
            """Returns a customized detection model instance configured with specified config and weights."""
            return MyCustomModel(cfg, nc=self.data["nc"], verbose=False)

    def log_model(trainer):
        """Logs the path of the last model weight used by the trainer."""
        logged.append(trainer.last)

    seen, logged = [], []
    trainer = CustomTrainer(overrides=overrides)
    trainer.add_callback("on_train_epoch_end", log_model)  # Adds to existing callback
    trainer.train()
    assert logged == [trainer.save_dir / "weights" / "last.pt"]
    assert len(seen) == 3  # two batches of training, one of validation
    torch.testing.assert_close(trainer.tloss, seen[0] + seen[1])  # the mean of twice their items
    assert (trainer.save_dir / "results.csv").read_text().startswith("epoch,time,train/box_loss")


def test_own_criterion_may_have_parts_of_its_own(overrides, read_events):
    class Distance:
        names = ("distance_loss",)

        def __call__(self, preds, batch):
            loss = preds["boxes"].square().mean()
            return (loss * len(batch["img"]))[None], loss.detach()[None]

    class MyCustomModel(DetectionModel):
        def init_criterion(self):
            return Distance()

    class CustomTrainer(DetectionTrainer):
        def get_model(self, cfg, weights):
            return MyCustomModel(cfg, nc=self.data["nc"], verbose=False)

    trainer = CustomTrainer(overrides=overrides)
    trainer.train()
    header = (trainer.save_dir / "results.csv").read_text().splitlines()[0].split(",")
    assert [c for c in header if "loss" in c] == ["train/distance_loss", "val/distance_loss"]
    (event,) = read_events(trainer.save_dir, "on_train_epoch_end")
    assert list(event["losses"]) == ["distance_loss"]


def test_own_criterion_whose_parts_have_no_names_says_what_to_do(overrides):
    class MyCustomModel(DetectionModel):
        def init_criterion(self):
            return lambda preds, batch: (preds["boxes"].square().sum(), torch.ones(5))

    class CustomTrainer(DetectionTrainer):
        def get_model(self, cfg, weights):
            return MyCustomModel(cfg, nc=self.data["nc"], verbose=False)

    with pytest.raises(ValueError, match="5 parts") as error:
        CustomTrainer(overrides=overrides).train()
    assert "names" in error.value.remedy


def test_own_loader_and_own_validator(overrides):
    class Noted(DetectionValidator):
        def update_metrics(self, predictions, batch):
            measured.append(len(predictions))
            super().update_metrics(predictions, batch)

    class CustomTrainer(DetectionTrainer):
        validator_class = Noted

        def get_dataloader(self, dataset_path, batch_size=16, rank=-1, mode="train"):
            loader = super().get_dataloader(dataset_path, 1, rank, mode)
            return torch.utils.data.DataLoader(
                loader.dataset, batch_size=1, collate_fn=loader.dataset.collate_fn
            )

    measured = []
    trainer = CustomTrainer(overrides=overrides)
    trainer.train()
    assert measured == [1] * 4
    assert len(trainer.train_loader) == 4


def test_own_loader_may_have_the_usual_signature(overrides):
    """There ``rank`` is 0 unless it is said, also where no processes are joined."""
    given = []

    class CustomTrainer(DetectionTrainer):
        def get_dataloader(self, dataset_path, batch_size=16, rank=0, mode="train"):
            given.append((mode, rank))
            return super().get_dataloader(dataset_path, batch_size, max(rank, 0), mode)

    CustomTrainer(overrides=overrides).train()
    assert given == [("train", -1), ("val", -1)]


def test_callbacks_given_at_the_start_come_before_added_ones(arguments, tiny_task):
    calls = []
    given = {"on_train_start": lambda _: calls.append("given"), "teardown": [calls.append]}
    trainer = SegmentationTrainer(
        overrides={**arguments, **tiny_task("segment"), "epochs": 1}, _callbacks=given
    )
    trainer.add_callback("on_train_start", lambda _: calls.append("added"))
    trainer.train()
    assert calls == ["given", "added", trainer]


class Wrapped(torch.nn.Module):
    """A network that is none of ours: it knows only what the specification says a trainer needs."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.stride, self.names, self.nc = inner, inner.stride, inner.names, inner.nc

    def forward(self, images):
        return self.inner(images)

    def loss(self, batch, preds=None):
        self.inner.args = self.args
        return self.inner.loss(batch, preds)


def test_a_network_of_ones_own_trains_and_leaves_its_weights(overrides):
    class CustomTrainer(DetectionTrainer):
        def get_model(self, cfg, weights, verbose=True):
            return Wrapped(DetectionModel(cfg, nc=self.data["nc"], verbose=False))

    trainer = CustomTrainer(overrides={**overrides, "epochs": 2})
    trainer.train()
    assert trainer.epoch == 1
    assert "metrics/mAP50(B)" in trainer.metrics
    kept = trainer.trained_model()
    assert isinstance(kept, Wrapped)
    assert torch.isfinite(next(kept.parameters())).all()


def test_measures_of_ones_own_are_columns(overrides):
    class CustomValidator(DetectionValidator):
        def get_stats(self):
            return {**super().get_stats(), "metrics/mine": 0.25}

    class CustomTrainer(DetectionTrainer):
        def get_validator(self):
            return CustomValidator(self.test_loader, self.save_dir, args=self.args)

    trainer = CustomTrainer(overrides={**overrides, "epochs": 2})
    trainer.train()
    plain = DetectionTrainer(overrides={**overrides, "epochs": 1, "name": "plain"})
    plain.train()
    own, usual = trainer.files.csv, plain.files.csv
    assert own.names() == [*usual.names(), "metrics/mine"]  # the field's columns in their places
    assert own.read()["metrics/mine"] == [0.25, 0.25]
