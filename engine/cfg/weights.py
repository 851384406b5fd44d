"""Model files by name: where they are looked for, which are public, and fetching those. Loads no torch.

What is fetched is only what somebody asked for by its name; the names are those of the model descriptions.
"""

from __future__ import annotations

import difflib
import os
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from engine.cfg.model_yaml import model_names
from engine.runtime.downloads import Report, fetch, join_address
from engine.runtime.errors import (
    CheckpointError,
    DownloadError,
    MissingCheckpointError,
    NotOnServerError,
)
from engine.runtime.settings import settings
from engine.runtime.settings_schema import WEIGHTS_URL

URL_VARIABLE = "MASKWRIGHT_WEIGHTS_URL"
# Text encoders of the YOLOE families, TorchScript files published with them
TEXT_ENCODERS = ("mobileclip_blt.ts", "mobileclip2_b.ts")
# Promptable networks: the first ones are published with the YOLO models, the others by their authors
SAM_WEIGHTS = (
    "mobile_sam.pt",
    "sam_b.pt",
    "sam_l.pt",
    "sam_vit_b_01ec64.pth",
    "sam_vit_l_0b3195.pth",
    "sam_vit_h_4b8939.pth",
)
_ELSEWHERE = {
    name: f"https://dl.fbaipublicfiles.com/segment_anything/{name}"
    for name in SAM_WEIGHTS
    if name.startswith("sam_vit_")
}
# Heads of our own: nobody but a mirror of one's own can have weights for them
_OWN_HEADS = ("-semseg",)
_MODEL_SUFFIXES = (".pt", ".pth", ".ts", ".onnx", ".torchscript", ".safetensors")
_WEB = ("http:/", "https:/")  # pathlib leaves one slash of the two
_ZIP_SIGNATURE = b"PK\x03\x04"


def find_weights(name: str | Path, *, report: Report | None = None) -> Path:
    """Return the path of a model file, fetched first where it is public and not on this computer.

    Looked for are the path as given (from the working folder), then the same in ``weights_dir``. A name of
    :func:`known_weights` that is in neither place is fetched: a bare one into ``weights_dir``, one in a
    folder that exists into that folder.

    Args:
        name: A path or a name.
        report: Told how far it is while fetching, see :func:`engine.runtime.downloads.fetch`.

    Raises:
        MissingCheckpointError: It is not here, and is not public or cannot be fetched.
        CheckpointError: It is a folder.
    """
    path = Path(name).expanduser()
    found = local_weights(path)
    if found is not None:
        return found
    if str(name).lower().startswith(_WEB):
        raise MissingCheckpointError(
            "expected a file or the name of a public model, received an address.",
            path=path,
            value=str(name),
            remedy="Fetch it with engine.download(address) and give the path that this returns.",
        )
    target = _home(path)
    if path.name not in known_weights() or target is None:
        raise _unknown(path)
    if _is_unpublished(path.name):
        raise MissingCheckpointError(
            "no trained weights of this model are published.",
            path=path,
            remedy=_untrained(path.name),
        )
    try:
        return fetch(weights_url(path.name), target, report=report, complaint=_incomplete)
    except NotOnServerError as error:
        remedy = f"Perhaps none are published. {_untrained(path.name)}"
        raise MissingCheckpointError(
            f"is not on this computer, and {error.message}",
            path=path,
            value=error.value,
            remedy=remedy,
        ) from error
    except DownloadError as error:
        raise MissingCheckpointError(
            f"is not on this computer and cannot be fetched: {error.message}",
            path=path,
            value=error.value,
            remedy=error.remedy,
        ) from error


def local_weights(name: str | Path) -> Path | None:
    """Return the path of a model file on this computer: as given, or in ``weights_dir``; else None.

    Raises:
        CheckpointError: It is a folder.
    """
    path = Path(name).expanduser()
    for candidate in (path, settings.folder("weights_dir") / path):  # an absolute path stays itself
        if candidate.is_file():
            return candidate
    if path.is_dir():
        raise CheckpointError("expected a model file, received a folder.", path=path)
    return None


def full_name(name: str | Path) -> str:
    """Return the file name that a public model's bare name stands for: ``yolo11n-seg`` with ``.pt``.

    Anything else comes back as it is.
    """
    text = str(name)
    is_bare = not Path(text).suffix and not Path(text).exists()
    return f"{text}.pt" if is_bare and f"{text}.pt" in known_weights() else text


@cache
def known_weights() -> tuple[str, ...]:
    """Return the file names that are fetched when asked for, made from the model descriptions.

    Every scale of every description has one; YOLOE's segment models one more, without prompts (``-pf``).
    Which of them the server has, only the server knows.
    """
    stems = [Path(name).stem for name in model_names()]
    free = [f"{s}-pf" for s in stems if s.startswith("yoloe") and s.endswith("-seg")]
    return (*(f"{stem}.pt" for stem in stems + free), *TEXT_ENCODERS, *SAM_WEIGHTS)


def weights_url(name: str) -> str:
    """Return the address of a public model file: the setting ``weights_url`` or its variable, and the name.

    With a folder in that setting it is a path; empty, it stands for the public release, beside which a few
    files have addresses of their own.
    """
    place = os.environ.get(URL_VARIABLE) or settings["weights_url"] or WEIGHTS_URL
    return (
        _ELSEWHERE[name]
        if place == WEIGHTS_URL and name in _ELSEWHERE
        else join_address(place, name)
    )


def attempt_download_asset(file: str | Path) -> str:
    """Return the path of a model file as text, fetched where it is public, or the name as it is.

    For scripts that know it by this name; it differs from :func:`find_weights` in letting pass what is
    neither here nor public.

    Raises:
        MissingCheckpointError: It is public but cannot be fetched.
    """
    path = Path(file).expanduser()
    is_ours = path.name in known_weights() or local_weights(path) is not None
    return str(find_weights(path)) if is_ours else str(file)


def _home(path: Path) -> Path | None:
    """Where a fetched file goes; None where the path names a folder that is not there."""
    if path.parent == Path():
        return settings.folder("weights_dir") / path
    return path if path.parent.is_dir() else None


def _is_unpublished(name: str) -> bool:
    is_public_server = weights_url("") == join_address(WEIGHTS_URL, "")
    return is_public_server and Path(name).stem.endswith(_OWN_HEADS)


def _incomplete(path: Path) -> str | None:
    """Say what is wrong with an arrived model file: they are zip archives, whose end says all."""
    with path.open("rb") as file:
        start = file.read(len(_ZIP_SIGNATURE))
    if start[:1] == b"<":
        return "it is a web page"
    if start == _ZIP_SIGNATURE and zipfile.is_zipfile(path):
        return None
    size = path.stat().st_size
    if start == _ZIP_SIGNATURE:
        return f"its end is missing after {size} bytes"
    return f"it is no model file ({size} bytes)"


# Of two file names that both end in .pt four characters are alike at no cost
_NEAR = 0.7


def _unknown(path: Path) -> MissingCheckpointError:
    near = difflib.get_close_matches(path.name.lower(), _names_to_offer(), n=1, cutoff=_NEAR)
    places = f"{path.absolute()}"
    if not path.is_absolute():
        places += f" or at {settings.folder('weights_dir') / path}"
    hint = (
        f"Did you mean {near[0]}? Otherwise put it at {places}." if near else f"Put it at {places}."
    )
    if path.name in known_weights():
        hint = f"Put it at {places}, or write {path.name} alone to have it fetched."
    return MissingCheckpointError("there is no such model file.", path=path, remedy=hint)


def _names_to_offer() -> list[str]:
    """Names that the person may have meant: public ones and what is in the two folders."""
    here = _model_files((Path(), settings.folder("weights_dir")))
    return list(dict.fromkeys([*here, *known_weights()]))


def _model_files(folders: Iterable[Path]) -> list[str]:
    files = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
    return sorted(file.name for file in files if file.suffix.lower() in _MODEL_SUFFIXES)


def _untrained(name: str) -> str:
    """Say how to go on without trained weights."""
    description = f"{Path(name).stem}.yaml"
    if description not in model_names():
        return "Put the file into the working folder or weights_dir."
    hint = f"Start untrained from {description}"
    other = next((n for n in _OWN_HEADS if n in name), None)
    return (
        f"{hint}, with pretrained={name.replace(other, '-seg')} for its backbone."
        if other
        else f"{hint}."
    )
