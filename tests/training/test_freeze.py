from __future__ import annotations

import pytest
from torch import nn

from engine.runtime.errors import ConfigError
from engine.training.freeze import freeze_layers, frozen_layers, hold_statistics


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)) for _ in range(12))
        )


def test_a_count_means_the_first_layers_and_a_list_means_its_numbers():
    assert frozen_layers(None, 12) == ()
    assert frozen_layers(2, 12) == (0, 1)
    assert frozen_layers([0, 11], 12) == (0, 11)
    with pytest.raises(ConfigError, match="12"):
        frozen_layers([12], 12)


def test_freezing_layer_one_leaves_layers_ten_and_eleven_alone():
    model = _Model()
    prefixes = freeze_layers(model, (1,))
    trainable = {n.split(".")[1] for n, p in model.named_parameters() if p.requires_grad}
    assert trainable == {str(i) for i in range(12)} - {"1"}
    model.train()
    hold_statistics(model, prefixes)
    assert [layer[1].training for layer in model.model] == [True, False] + [True] * 10
