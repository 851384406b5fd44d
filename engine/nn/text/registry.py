"""Text encoders by name.

``mobileclip:blt``, ``mobileclip2:b``: published TorchScript files. ``sample:phrases``: a small one that is shipped,
for the generated sample. ``PATH.ts``: a TorchScript file of one's own.
``open_clip:ARCHITECTURE/WEIGHTS``: a model of the open_clip package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.cfg.weights import find_weights, local_weights, weights_url
from engine.nn.text.cache import FOLDER, CachedEncoder
from engine.nn.text.encoder import IdentifiedEncoder, TextEncoder
from engine.nn.text.open_clip import OpenClipEncoder
from engine.nn.text.tokens import import_open_clip
from engine.nn.text.torchscript import TorchScriptEncoder
from engine.runtime.downloads import is_offline, is_url
from engine.runtime.errors import MissingCheckpointError, ModelError
from engine.runtime.paths import cache_dir

SUFFIX = ".ts"


@dataclass(frozen=True)
class Published:
    """A text encoder that models were trained with.

    Attributes:
        file: Name of its TorchScript file.
        elsewhere: The same encoder in open_clip.
    """

    file: str
    elsewhere: str


PUBLISHED: dict[str, Published] = {
    "mobileclip:blt": Published("mobileclip_blt.ts", "open_clip:MobileCLIP-B/datacompdr_lt"),
    "mobileclip2:b": Published("mobileclip2_b.ts", "open_clip:MobileCLIP2-B/dfndr2b"),
}
DEFAULT = "mobileclip:blt"
# Shipped beside this file: knows the words of the generated sample, colours and kinds of parts, and no others
SHIPPED: dict[str, str] = {"sample:phrases": "sample_phrases.ts"}


def open_encoder(name: str | Path, device: str = "cpu") -> TextEncoder:
    """Return a text encoder whose vectors are kept on disk; the same name gives the same one.

    Args:
        name: One of :data:`PUBLISHED` or :data:`SHIPPED`, the path of a TorchScript file ending in .ts, or
            ``open_clip:ARCHITECTURE/WEIGHTS``.
        device: Where it runs.

    Raises:
        MissingCheckpointError: Its file is not there.
        ModelError: No encoder has such a name.
    """
    make, parts = _make(str(name))
    return _opened(make, parts, device, _stamp(parts[-1]), str(cache_dir()))


def check_encoder(name: str | Path) -> None:
    """Refuse an encoder that cannot be had here, without opening or fetching it.

    Args:
        name: As for :func:`open_encoder`.

    Raises:
        MissingCheckpointError: Its file is not on this computer and nothing can be fetched.
        ModelError: No encoder has such a name, or the package that splits words into tokens is missing.
    """
    published = PUBLISHED.get(str(name))
    if published is None or local_weights(published.file) or not _is_reachable(published.file):
        _make(str(name))
    import_open_clip()


def _is_reachable(file: str) -> bool:
    """Tell whether a published file may be fetched: the network is not switched off, or a folder serves."""
    return not is_offline() or not is_url(weights_url(file))


def _make(name: str) -> tuple[Callable[..., IdentifiedEncoder], tuple[str, ...]]:
    """Return what makes an encoder, and from what."""
    kind, _, rest = name.partition(":")
    if name in SHIPPED:
        return TorchScriptEncoder, (str(Path(__file__).with_name(SHIPPED[name])),)
    if name in PUBLISHED or name.endswith(SUFFIX):
        return TorchScriptEncoder, (str(_find(name)),)
    if kind == "open_clip" and "/" in rest:
        architecture, _, weights = rest.partition("/")
        return OpenClipEncoder, (architecture, weights)
    raise ModelError(
        f"there is no text encoder {name!r}.",
        value=name,
        remedy=f"Use {', '.join([*PUBLISHED, *SHIPPED])}, the path of a TorchScript file ({SUFFIX}) "
        "or open_clip:ARCHITECTURE/WEIGHTS.",
    )


@lru_cache(maxsize=4)
def _opened(
    make: Callable[..., IdentifiedEncoder],
    parts: tuple[str, ...],
    device: str,
    stamp: tuple[int, int],
    folder: str,
) -> TextEncoder:
    """Make an encoder anew only where its file (by ``stamp``) or the folder of vectors is another."""
    return CachedEncoder(make(*parts, device=device), Path(folder) / FOLDER)


def _stamp(file: str) -> tuple[int, int]:
    """Return size and time of a file; zeros for published weights, which have no file of their own."""
    path = Path(file)
    if not path.is_file():
        return 0, 0
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _find(name: str) -> Path:
    """Return the path of a TorchScript text encoder's file."""
    published = PUBLISHED.get(name)
    file = published.file if published else name
    try:
        return find_weights(file)
    except MissingCheckpointError as error:
        known = published or next(
            (p for p in PUBLISHED.values() if p.file == Path(file).name), None
        )
        same = f" open_clip has the same as {known.elsewhere}." if known else ""
        raise MissingCheckpointError(
            f"the text encoder {error.message}" if known else error.message,
            path=error.path,
            value=name,
            remedy=f"{error.remedy or ''}{same}".strip(),
        ) from error
