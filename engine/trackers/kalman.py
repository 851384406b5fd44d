"""Where boxes will be: a Kalman filter of constant velocity over many boxes at once."""

from __future__ import annotations

import numpy as np

# Standard deviations as shares of a box's size, from SORT's successors (Wojke et al., DeepSORT, 2017).
_PLACE, _SPEED = 1 / 20, 1 / 160
_FIRST_PLACE, _FIRST_SPEED = 2, 10  # a new track is that many times less sure
_SIZE = 4


class BoxFilter:
    """States are (N, 8) float64: centre x, centre y, width, height in pixels, then their change a frame.

    Noise grows with the box: in x and width with its width, in y and height with its height (BoT-SORT).
    """

    def __init__(self) -> None:
        self._step = np.eye(2 * _SIZE)
        self._step[:_SIZE, _SIZE:] = np.eye(_SIZE)

    def start(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return states (N, 8) and covariances (N, 8, 8) for boxes (N, 4) seen for the first time."""
        states = np.concatenate((boxes, np.zeros_like(boxes)), 1)
        deviations = self._deviations(boxes, _FIRST_PLACE * _PLACE, _FIRST_SPEED * _SPEED)
        return states, _diagonal(deviations**2)

    def predict(self, states: np.ndarray, covariances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return states and covariances one frame later."""
        noise = _diagonal(self._deviations(states[:, :_SIZE], _PLACE, _SPEED) ** 2)
        states = states @ self._step.T
        return states, self._step @ covariances @ self._step.T + noise

    def update(
        self, states: np.ndarray, covariances: np.ndarray, boxes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return states and covariances after boxes (N, 4) were seen."""
        deviations = self._deviations(states[:, :_SIZE], _PLACE, 0.0)[:, :_SIZE]
        seen = covariances[:, :_SIZE, :_SIZE] + _diagonal(deviations**2)
        gain = np.linalg.solve(seen, covariances[:, :_SIZE, :]).transpose(0, 2, 1)
        difference = (boxes - states[:, :_SIZE])[..., None]
        states = states + (gain @ difference)[..., 0]
        return states, covariances - gain @ seen @ gain.transpose(0, 2, 1)

    @staticmethod
    def move(
        states: np.ndarray, covariances: np.ndarray, affine: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return states and covariances in a picture that moved by ``affine`` (2, 3)."""
        turn = np.kron(np.eye(_SIZE), affine[:, :2])
        moved = states @ turn.T
        moved[:, :2] += affine[:, 2]
        return moved, turn @ covariances @ turn.T

    @staticmethod
    def _deviations(boxes: np.ndarray, place: float, speed: float) -> np.ndarray:
        sides = np.maximum(boxes[:, [2, 3, 2, 3]], 1e-6)
        return np.concatenate((sides * place, sides * speed), 1)


def _diagonal(values: np.ndarray) -> np.ndarray:
    """Return (N, K, K) matrices with (N, K) on their diagonals."""
    return values[:, :, None] * np.eye(values.shape[1])
