"""Stop when validation has not improved for a number of epochs."""

from __future__ import annotations

import math


class EarlyStopping:
    """Watches the fitness, epoch by epoch.

    Attributes:
        patience: Epochs without improvement that are allowed; 0 waits for ever.
        best_fitness: Best fitness so far, -1 before the first.
        best_epoch: 0-based epoch whose weights count as the best: the last that reached it. Few images to check
            on make many epochs equal, of which the later ones have learnt more.
        improved_epoch: The first that reached it; patience counts from there.
    """

    def __init__(self, patience: int = 100) -> None:
        self.patience = float(patience) or math.inf
        self.best_fitness = -1.0
        self.best_epoch = self.improved_epoch = 0

    def __call__(self, epoch: int, fitness: float | None) -> bool:
        """Take one epoch's fitness (None where it was not validated); say whether to stop."""
        if fitness is None:
            return False
        # A first fitness of 0 counts as progress: from random weights the early epochs score 0.
        if fitness > self.best_fitness or self.best_fitness <= 0:
            self.best_fitness, self.improved_epoch = float(fitness), epoch
        if fitness >= self.best_fitness:
            self.best_epoch = epoch
        return epoch - self.improved_epoch >= self.patience

    def state_dict(self) -> dict[str, float]:
        """Give what a resumed run needs."""
        return {
            "best_fitness": self.best_fitness,
            "best_epoch": self.best_epoch,
            "improved_epoch": self.improved_epoch,
        }

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take what `state_dict` gave."""
        self.best_fitness = float(state["best_fitness"])
        self.best_epoch = int(state["best_epoch"])
        # Runs of before it was kept have saved the first of equal epochs.
        self.improved_epoch = int(state.get("improved_epoch", self.best_epoch))
