"""Where the trained weights of a model are: on this computer, to be fetched, or nowhere. No Qt, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.cfg.model_catalogue import CatalogueEntry
from engine.cfg.weights import local_weights, weights_url
from engine.runtime.downloads import is_offline, is_url
from engine.runtime.errors import EngineError
from studio.language import tr


@dataclass(frozen=True, slots=True)
class WeightsState:
    """What a person can expect when they ask for a model's trained weights.

    Attributes:
        name: File name.
        path: The file on this computer, None where it is not.
        size_bytes: Its size, about where it is not here.
        is_published: Whether there are trained weights of this model.
        is_reachable: Whether they may be fetched: the network is not switched off, or a folder serves.
    """

    name: str
    path: Path | None
    size_bytes: int
    is_published: bool
    is_reachable: bool = True

    @property
    def can_be_had(self) -> bool:
        """Whether the file is here or can be fetched."""
        return self.path is not None or (self.is_published and self.is_reachable)

    def words(self) -> str:
        """Return where they are, as one phrase."""
        if self.path is not None:
            return tr("on this computer")
        if not self.is_published:
            return tr("none are published")
        if not self.is_reachable:
            return tr("not on this computer, and the network is switched off")
        return tr("fetched once, about {megabytes}").format(megabytes=megabytes(self.size_bytes))


def weights_of(entry: CatalogueEntry) -> WeightsState:
    """Look where a model's trained weights are."""
    try:
        path = local_weights(entry.weights)
    except EngineError:
        path = None  # a folder of this name: there is no file
    size = path.stat().st_size if path is not None else entry.weights_bytes
    reachable = not is_offline() or not is_url(weights_url(entry.weights))
    return WeightsState(entry.weights, path, size, entry.is_published, reachable)


def megabytes(size_bytes: float) -> str:
    """Return a size as people say it: ``5.4 MB``, ``114 MB``."""
    size = size_bytes / 1e6
    return f"{size:.1f} MB" if size < 10 else f"{size:.0f} MB"
