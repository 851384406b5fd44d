"""The data.yaml of the field: where the pictures of each split lie and what the classes are called.

Loads no torch. The file is data: python tags are refused, aliases are never expanded, a ``download`` entry
is never run (what `engine.data.fetch` follows is an address).
"""

from __future__ import annotations

import functools
import os
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from engine import cfg
from engine.runtime.errors import DatasetError
from engine.runtime.log import LOGGER
from engine.runtime.paths import write_atomic
from engine.runtime.settings import settings

SPLITS = ("train", "val", "test")
DATASETS_DIR = Path(cfg.__file__).parent / "datasets"
# `path: ../datasets/x` is common, `path: ../../../../..` is a mistake or an attack.
_MAX_CLIMB = 3
# How folders of a split are called where people lay data sets out by hand
_ALSO_CALLED = {"val": ("val", "valid", "validation"), "train": ("train", "training")}
_MAX_BYTES = 16 << 20
_MAX_CHANNELS = 64


def read_data_yaml(path: str | Path) -> dict[str, Any]:
    """Read and check a data set description.

    Args:
        path: The YAML file, or a folder that holds exactly one (``data.yaml`` wins).

    Returns:
        All entries of the file, and these made sure of: ``path`` (absolute Path of the root), ``train``,
        ``val``, ``test`` (lists of absolute Paths of folders or list files, empty where not given), ``names``
        ({0: str, ...}), ``nc``, ``channels`` (3 unless given), ``yaml_file`` (absolute Path).

    Raises:
        DatasetError: It cannot be used; the message has the line where there is one, and a remedy. A missing
            ``test`` folder is left for :func:`require_split`.
    """
    file = _find(Path(path))
    values = _load(file)
    out: dict[str, Any] = dict(values)
    out["names"] = _names(values, file)
    out["nc"] = len(out["names"])
    out["channels"] = _channels(values.get("channels", 3), file)
    out["yaml_file"] = file
    out["path"] = root = _root(values.get("path"), file)
    for split in SPLITS:
        out[split] = _split_paths(values.get(split), split, root, file)
    if not out["train"] and not out["val"]:
        raise DatasetError(
            "It names neither train nor val images.",
            path=file,
            remedy="Add a line such as 'train: images/train'.",
        )
    for split in ("train", "val"):
        _check_exists(out[split], split, values, file)
    return out


def locate_data_yaml(path: str | Path) -> tuple[Path, dict[str, Any]]:
    """Return the file that :func:`read_data_yaml` would read and its entries, not checked further.

    Raises:
        DatasetError: There is none, or it is no YAML of plain values.
    """
    file = _find(Path(path))
    return file, _load(file)


def split_places(file: Path, values: Mapping[str, Any], split: str) -> list[Path]:
    """Return the absolute folders or list files that a description names for a split, whether they are there or not.

    Args:
        file: The description.
        values: Its entries, of :func:`locate_data_yaml`.
        split: ``train``, ``val`` or ``test``.

    Raises:
        DatasetError: An entry is none, or leads out of the data set.
    """
    return _split_paths(values.get(split), split, _root(values.get("path"), file), file)


def without_climb(entry: str) -> Path | None:
    """Return what an entry such as ``../train/images`` means beside the file; None where it does not begin so.

    Data sets are often offered for download with ``../train/images`` for what lies beside the file.
    """
    parts = Path(entry).parts
    below = Path(*(part for part in parts if part != ".."))
    if parts[:1] != ("..",) or ".." in parts[parts.count("..") :] or below == Path():
        return None
    return below


def require_split(data: Mapping[str, Any], split: str) -> list[Path]:
    """Return the folders or list files of a split of :func:`read_data_yaml`.

    Raises:
        DatasetError: The split is not given or its folder does not exist.
    """
    paths: list[Path] = data.get(split) or []
    file = data.get("yaml_file")
    if not paths:
        raise DatasetError(
            f"It has no '{split}' split.",
            path=file,
            remedy=f"Add a line such as '{split}: images/{split}', or choose another split.",
        )
    _check_exists(paths, split, data, file)
    return paths


def write_data_yaml(
    path: str | Path,
    names: Mapping[int, str] | Sequence[str],
    splits: Mapping[str, str | Sequence[str]],
    root: str = ".",
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write a data set description that :func:`read_data_yaml` and the field's tools read.

    Args:
        path: The YAML file.
        names: Class names, by index.
        splits: Split name -> folder or list file relative to ``root`` (or several).
        root: The ``path`` entry; "." is the folder of the file.
        extra: Further entries of plain values.
    """
    by_id = dict(names.items() if isinstance(names, Mapping) else enumerate(names))
    values: dict[str, Any] = {"path": root}
    values |= {s: v if isinstance(v, str) else list(v) for s, v in splits.items()}
    values |= {"nc": len(by_id), "names": {int(k): str(v) for k, v in sorted(by_id.items())}}
    values |= dict(extra or {})
    return write_atomic(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _find(path: Path) -> Path:
    """Return the absolute YAML file for a file or folder, or for the name of one that comes with the engine."""
    named = path
    path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (resolve() would follow links)
    if path.is_dir():
        found = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
        chosen = [f for f in found if f.stem == "data"] or found
        if len(chosen) != 1:
            raise DatasetError(
                f"Expected one data.yaml in this folder, found {len(chosen)}.",
                path=path,
                remedy="Name the YAML file itself.",
            )
        return chosen[0]
    if path.is_file():
        return path
    if named.name == str(named) and (DATASETS_DIR / named).is_file():
        return DATASETS_DIR / named
    raise DatasetError(
        "The data set description does not exist.", path=path, remedy="Correct the path."
    )


def _load(file: Path) -> dict[str, Any]:
    """Parse the file with the safe loader and turn its errors into sentences with a line."""
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise DatasetError(
                f"A description of over {_MAX_BYTES >> 20} MiB is refused.", path=file
            )
        values = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, OSError) as error:
        if isinstance(error, DatasetError):
            raise
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DatasetError(f"Cannot be read: {reason}.", path=file) from error
    except yaml.YAMLError as error:
        raise _sentence(error, file) from error
    except RecursionError as error:
        raise DatasetError("Its entries are nested too deeply.", path=file) from error
    if not isinstance(values, dict):
        what = "is empty" if values is None else f"holds {type(values).__name__}, not entries"
        raise DatasetError(
            f"The file {what}.", path=file, remedy="It needs 'path', 'train', 'val' and 'names'."
        )
    return values


def _sentence(error: yaml.YAMLError, file: Path) -> DatasetError:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    line = mark.line + 1 if mark else None
    if isinstance(error, yaml.constructor.ConstructorError) and "tag" in problem:
        tag = (
            problem.split("'")[1].replace("tag:yaml.org,2002:", "!!") if "'" in problem else problem
        )
        return DatasetError(
            f"The tag {tag} is refused: a data set description may hold plain values only.",
            path=file,
            line=line,
            value=tag,
            remedy="Replace it by plain text or a list.",
        )
    if "\\t" in problem:
        return DatasetError(
            "A tab is used for indentation, which YAML forbids.",
            path=file,
            line=line,
            remedy="Use spaces.",
        )
    return DatasetError(
        f"Not valid YAML: {problem}.", path=file, line=line, remedy="Correct the line."
    )


def _names(values: Mapping[str, Any], file: Path) -> dict[int, str]:
    """Return {0: name, ...} from a list, a mapping, or ``nc`` alone."""
    names, count = values.get("names"), values.get("nc")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise DatasetError(
            f"'nc' must be a whole number above 0, received {_short(count)}.", path=file
        )
    if names is None:
        if count is None:
            raise DatasetError(
                "It has no class names.",
                path=file,
                remedy="Add an entry such as 'names: [nut, bolt]'.",
            )
        return {i: f"class{i}" for i in range(count)}
    by_id = _by_id(names, file)
    if count is not None and count != len(by_id):
        raise DatasetError(
            f"'nc' says {count} classes but 'names' has {len(by_id)}.",
            path=file,
            remedy="Correct one of them or leave 'nc' out.",
        )
    return by_id


def _by_id(names: Any, file: Path) -> dict[int, str]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise DatasetError(
            f"'names' must be a list or 'id: name' lines, received {_short(names)}.", path=file
        )
    for key, name in names.items():
        if isinstance(key, bool) or not isinstance(key, int):
            raise DatasetError(f"The class id {_short(key)} is not a whole number.", path=file)
        if isinstance(name, bool) or not isinstance(name, (str, int)) or name == "":
            raise DatasetError(
                f"The name of class {key} is not text: YAML reads {_short(name)}.",
                path=file,
                remedy="Put the name in quotes.",
            )
    missing = sorted(set(range(len(names))) - set(names))
    if missing:
        raise DatasetError(
            f"The class ids have a gap: {missing[0]} is missing.",
            path=file,
            remedy="Number the classes 0, 1, 2 ... in both this file and the labels.",
        )
    _check_unique(names, file)
    return {i: str(names[i]) for i in sorted(names)}


def _check_unique(names: Mapping[int, Any], file: Path) -> None:
    first: dict[str, int] = {}
    for key, name in names.items():
        other = first.setdefault(str(name), key)
        if other != key:
            raise DatasetError(
                f"The classes {other} and {key} are both called {str(name)!r}.",
                path=file,
                remedy="Give each class its own name.",
            )


def _channels(value: Any, file: Path) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < 1 or value == 2 or value > _MAX_CHANNELS:
        raise DatasetError(
            f"'channels' must be 1 (grey), 3 (colour) or 4 to {_MAX_CHANNELS}, received {_short(value)}.",
            path=file,
            remedy="Leave the entry out for colour pictures.",
        )
    return int(value)


def _root(value: Any, file: Path) -> Path:
    """Return the absolute root: a relative one is beside the file, else in the setting ``datasets_dir``."""
    if value is None:
        return file.parent
    if not isinstance(value, str):
        raise DatasetError(f"'path' must be a folder, received {_short(value)}.", path=file)
    climb = Path(os.path.normpath(value)).parts.count("..")
    if climb > _MAX_CLIMB:
        raise DatasetError(
            f"'path: {value}' climbs {climb} folders above the file.",
            path=file,
            value=value,
            remedy="Write the absolute folder if it is meant.",
        )
    beside = Path(os.path.abspath(file.parent / Path(value).expanduser()))  # noqa: PTH100 (keeps links)
    if beside.exists():
        return beside
    kept = settings.folder("datasets_dir") / Path(value).expanduser()
    return kept if kept.is_dir() else beside


def _split_paths(value: Any, split: str, root: Path, file: Path) -> list[Path]:
    """Return the absolute folders or list files of a split, each once."""
    if value is None or value == "":
        return []
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise DatasetError(
            f"'{split}' must be a folder, a list file or several of them, received {_short(value)}.",
            path=file,
        )
    for entry in entries:
        if Path(os.path.normpath(entry)).parts.count("..") > _MAX_CLIMB:
            raise DatasetError(
                f"'{split}: {entry}' climbs out of the data set.", path=file, value=entry
            )
    joined: Iterable[Path] = (_place_of(entry, split, root, file) for entry in entries)
    return list(dict.fromkeys(joined))


def _place_of(entry: str, split: str, root: Path, file: Path) -> Path:
    """Return the absolute path of one entry of a split.

    What :func:`without_climb` makes of it is taken where nothing is at the path as it is written.
    """
    written = Path(os.path.abspath(root / entry))  # noqa: PTH100 (keeps links)
    below = without_climb(entry)
    if written.exists() or below is None:
        return written
    beside = Path(os.path.abspath(file.parent / below))  # noqa: PTH100 (keeps links)
    if not beside.exists():
        return written
    _tell_of_taken(file, split, entry, written, beside)
    return beside


@functools.cache
def _tell_of_taken(file: Path, split: str, entry: str, written: Path, beside: Path) -> None:
    """Warn once of a path that is not taken as it is written: a file is read several times in a run."""
    LOGGER.warning(
        "%s: '%s: %s' names %s, which does not exist; %s beside the file is taken.",
        file,
        split,
        entry,
        written,
        beside,
    )


def _check_exists(
    paths: Sequence[Path], split: str, values: Mapping[str, Any], file: Path | None
) -> None:
    for path in paths:
        if path.exists():
            continue
        remedy = f"Correct 'path' or '{split}'."
        given = str(values.get(split)) if isinstance(values.get(split), str) else ""
        if "*" in given:
            remedy = f"Name the folder under '{split}', or a text file that lists the images: patterns with * are not looked for."
        elif file and given and (file.parent / given).exists():
            remedy = f"{given} lies beside this file: write 'path: .'."
        elif file and (there := _folder_there(path, split, file.parent)):
            remedy = f"{there} lies beside this file: correct 'path' or '{split}'."
        if download := values.get("download"):
            remedy += _about_download(download)
        raise DatasetError(
            f"The {split} images are not there: {path} does not exist.",
            path=file,
            value=str(path),
            remedy=remedy,
        )


def _folder_there(path: Path, split: str, folder: Path) -> str | None:
    """Return what in ``folder`` may be meant by a path that does not exist, relative to it.

    That is the longest end of the path that is there, else a folder called as the split usually is.
    """
    ends = (Path(*path.parts[i:]) for i in range(1, len(path.parts) - 1))
    names = _ALSO_CALLED.get(split, (split,))
    usual = (Path(place.format(name)) for name in names for place in ("{}/images", "images/{}"))
    found = (there for there in (*ends, *usual) if (folder / there).is_dir())
    return next((there.as_posix() for there in found), None)


def _about_download(download: Any) -> str:
    if isinstance(download, str) and download.strip().startswith(("http://", "https://")):
        return " A training or validation fetches them from where its download entry says."
    return " Its download entry is never run: fetch the data yourself."


def _short(value: Any) -> str:
    """Return a short text; nested aliases are not expanded."""
    shortener = reprlib.Repr()
    shortener.maxlevel, shortener.maxlist, shortener.maxdict = 2, 3, 3
    return shortener.repr(value)
