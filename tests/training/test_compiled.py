from __future__ import annotations

import copy

import pytest
import torch

from engine.models.yolo.detect.train import DetectionTrainer
from engine.nn.tasks import DetectionModel
from engine.runtime.errors import ConfigError
from engine.training.compiled import CompiledNetwork, compiled, missing_compiler

CPU = torch.device("cpu")
SMALL = {
    "nc": 1,
    "backbone": [[-1, 1, "Conv", [8, 3, 2]], [-1, 1, "Conv", [16, 3, 2]]],
    "head": [[[1], 1, "Detect", ["nc"]]],
}


def test_uncompiled_network_is_itself():
    layer = torch.nn.Conv2d(3, 1, 1)
    assert compiled(layer, False, torch.device("meta")) is layer


def test_without_a_compiler_the_run_is_refused_with_the_reason(make_trainer, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ConfigError, match=r"no C\+\+ compiler"):
        make_trainer(compile=True).train()
    monkeypatch.setenv("CXX", "a_compiler_that_is_not_there")
    with pytest.raises(ConfigError, match="a_compiler_that_is_not_there"):
        compiled(torch.nn.Conv2d(3, 1, 1), "default", CPU)


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_compiler(CPU)), reason=missing_compiler(CPU) or "there is one")
def test_a_compiled_training_computes_the_same(make_trainer):
    class Small(DetectionTrainer):
        def get_model(self, cfg, weights):
            return DetectionModel(SMALL, verbose=False)

    states, kinds = [], []
    for wanted in (False, True):
        plain = {"epochs": 1, "optimizer": "SGD", "amp": False}  # rounding would hide a difference
        trainer = make_trainer(Small, compile=wanted, name=str(wanted), **plain)
        trainer.train()
        kinds.append(isinstance(trainer.network, CompiledNetwork))
        states.append(copy.deepcopy(trainer.model.state_dict()))
    assert kinds == [False, True]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], rtol=1e-3, atol=1e-4)
