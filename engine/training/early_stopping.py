"""Stop when validation has not improved for a number of epochs."""

from __future__ import annotations

import math


class EarlyStopping:
    """Watches the fitness, epoch by epoch.

    Attributes:
        patience: Epochs without improvement that are allowed; 0 waits for ever.
        best_fitness: Best fitness so far, -1 before the first.
        best_epoch: 0-based epoch that reached it.
    """

    def __init__(self, patience: int = 100) -> None:
        self.patience = float(patience) or math.inf
        self.best_fitness = -1.0
        self.best_epoch = 0

    def __call__(self, epoch: int, fitness: float | None) -> bool:
        """Take one epoch's fitness (None where it was not validated); say whether to stop."""
        if fitness is None:
            return False
        # A first fitness of 0 counts as progress: from random weights the early epochs score 0.
        if fitness > self.best_fitness or self.best_fitness <= 0:
            self.best_fitness, self.best_epoch = float(fitness), epoch
        return epoch - self.best_epoch >= self.patience

    def state_dict(self) -> dict[str, float]:
        """Give what a resumed run needs."""
        return {"best_fitness": self.best_fitness, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take what `state_dict` gave."""
        self.best_fitness = float(state["best_fitness"])
        self.best_epoch = int(state["best_epoch"])
