"""Pictures that were whole when a data set was opened and cannot be read when their turn comes."""

from __future__ import annotations

import threading
from typing import Any

from engine.runtime.errors import ImageError
from engine.runtime.log import LOGGER

# A few damaged files are no reason to end a training; a drive that is gone is one.
_ALWAYS_BORNE, _BORNE_SHARE = 3, 0.2


class LostPictures:
    """Notes each once, with the reason, and gives up where there are too many.

    Attributes:
        reasons: What is wrong with each, by the picture's number.
    """

    def __init__(self, count: int) -> None:
        """Take the number of all pictures."""
        self.reasons: dict[int, str] = {}
        self._most = max(_ALWAYS_BORNE, int(_BORNE_SHARE * count))
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the lock out: loaders hand data sets to other processes."""
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.reasons)

    def note(self, index: int, error: ImageError) -> None:
        """Remember that a picture cannot be read, and say so the first time.

        Raises:
            ImageError: ``error``, where so many are lost that what is learned or measured would be another thing.
        """
        with self._lock:
            is_new = index not in self.reasons
            self.reasons[index] = str(error)
            too_many = len(self.reasons) > self._most
        if too_many:
            raise error
        if is_new:
            LOGGER.warning("%s It is left out.", error)
