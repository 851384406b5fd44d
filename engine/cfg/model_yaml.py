"""Model descriptions: finding one by its name and reading it. Building the modules is ``engine.nn.build``.

A description is ``models/<family>/<name>.yaml``; ``yolo11n-seg.yaml`` means scale ``n`` of
``yolo11-seg.yaml``, and ``yolo11-seg.yaml`` by itself means the first scale that it lists. Loads no torch.

A description may say only what differs from another of the engine's: ``base`` names that one, ``layers``
how many of its layers are kept (all but the last by default), ``last`` is the row that follows them, and
every other key replaces the base's. What is returned here is always complete.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import yaml

from engine.cfg.model_check import check_plain
from engine.runtime.errors import ModelError

MODELS_DIR = Path(__file__).parent / "models"
SUFFIXES = (".yaml", ".yml")
_FAMILY = re.compile(r"^yolo(?:e-)?v?\d+")
_SCALED_NAME = re.compile(rf"(?P<family>{_FAMILY.pattern})(?P<scale>[a-z])(?P<task>-.*)?$")


def find_model_yaml(name: str | Path) -> dict[str, Any]:
    """Read a model description by name or path.

    Args:
        name: A path, or the name of a description that comes with the engine; the scale letter may
            stand in the name (``yolo11m-seg.yaml``).

    Returns:
        The description with ``scale`` (a letter, or an empty string where it has no scales) and
        ``yaml_file`` (the name as given) added.

    Raises:
        ModelError: There is no such file, it does not hold a model, or it lacks the scale.
    """
    path = Path(name)
    base, scale = split_scale(path.name)
    file = _existing(path, base)
    if file is None:
        near = difflib.get_close_matches(path.name, model_names(), n=1)
        raise ModelError(
            "there is no model description of this name.",
            path=path,
            value=str(name),
            remedy=f"Did you mean {near[0]!r}?"
            if near
            else f"There are: {', '.join(_families())}, with a scale letter as in yolo11n.yaml; "
            "or give the path of your own file.",
        )
    description = read_model_yaml(file)
    description["scale"] = _checked_scale(description, scale, path)
    description["yaml_file"] = str(name)
    return description


def read_model_yaml(path: str | Path) -> dict[str, Any]:
    """Read a description file and check that it has what every model has.

    Raises:
        ModelError: It is not YAML, or has no ``backbone`` and ``head`` lists.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot be read ({error}).", path=path) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        if isinstance(error, yaml.constructor.ConstructorError):
            problem = str(error.problem).rpartition("tag ")[2] or "a tag"
            said = f"holds {problem}, which is never run: expected plain values only."
        else:
            said = f"is not valid YAML ({getattr(error, 'problem', None) or error})."
        raise ModelError(
            said,
            path=path,
            line=mark.line + 1 if mark else None,
        ) from error
    except RecursionError as error:
        raise ModelError("is nested too deep for a model description.", path=path) from error
    check_plain(content, path)
    if isinstance(content, dict) and "base" in content:
        content = _derived(content, path)
    missing = [key for key in ("backbone", "head") if not isinstance(_get(content, key), list)]
    if missing:
        raise ModelError(
            f"expected a model description, found no list {' and no list '.join(missing)}.",
            path=path,
            remedy="A data set's YAML goes into data=, a model's into model=.",
        )
    return content


def model_names() -> list[str]:
    """Return the names that come with the engine, every scale its own name, in a steady order."""
    names = []
    for file in sorted(MODELS_DIR.rglob("*.yaml")):
        scales = read_model_yaml(file).get("scales") or {"": None}
        names += [join_scale(file.name, scale) for scale in scales]
    return names


def join_scale(name: str, scale: str) -> str:
    """Put a scale letter into a file name: ``yolo11-seg.yaml`` and ``n`` to ``yolo11n-seg.yaml``."""
    return _FAMILY.sub(lambda family: family.group() + scale, name, count=1)


def split_scale(name: str) -> tuple[str, str]:
    """Split the scale letter off a file name: ``yolo11n-seg.yaml`` to ``("yolo11-seg.yaml", "n")``.

    Names without one come back with an empty scale.
    """
    path = Path(name)
    match = _SCALED_NAME.match(path.stem)
    if not match:
        return path.name, ""
    return f"{match['family']}{match['task'] or ''}{path.suffix}", match["scale"]


def _derived(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """Complete a description from the one that it names; a base has no base of its own."""
    bases = {file.name: file for file in MODELS_DIR.rglob("*.yaml")}
    file = bases.get(str(content["base"]))
    base = yaml.safe_load(file.read_text("utf-8")) if file else {}
    if "backbone" not in base:
        raise ModelError(
            f"its base is {content['base']!r}, expected one of the engine's complete descriptions.",
            path=path,
            value=content["base"],
        )
    own = {key: value for key, value in content.items() if key not in ("base", "layers", "last")}
    if "last" in content:
        rows = base["backbone"] + base["head"]
        kept, start = content.get("layers", len(rows) - 1), len(base["backbone"])
        if not isinstance(kept, int) or not 0 <= kept <= len(rows):
            raise ModelError(
                f"expected layers in 0..{len(rows)}, received {kept!r}.", path=path, value=kept
            )
        base["head"] = [*rows[start:kept], content["last"]]
    return {k: v for k, v in {**base, **own}.items() if v is not None}


def _families() -> list[str]:
    return [file.stem for file in sorted(MODELS_DIR.rglob("*.yaml"))]


def _existing(path: Path, base: str) -> Path | None:
    """Return the first that exists: as given, its unscaled name beside it, one of the engine's."""
    if path.suffix.lower() not in SUFFIXES:
        return None
    ours = {file.name: file for file in MODELS_DIR.rglob("*.yaml")}
    here = (path, path.with_name(base))
    return next((p for p in here if p.is_file()), None) or ours.get(path.name) or ours.get(base)


def _checked_scale(description: dict[str, Any], scale: str, path: Path) -> str:
    scales = description.get("scales") or {}
    if not scales:
        return ""
    if not isinstance(scales, dict):
        raise ModelError(
            "expected scales as a table, such as n: [0.50, 0.25, 1024].", path=path, value=scales
        )
    chosen = scale or str(description.get("scale") or next(iter(scales)))
    if chosen not in scales:
        raise ModelError(
            f"expected one of the scales {', '.join(map(str, scales))}, received {chosen!r}.",
            path=path,
            value=chosen,
        )
    return chosen


def _get(content: Any, key: str) -> Any:
    return content.get(key) if isinstance(content, dict) else None
