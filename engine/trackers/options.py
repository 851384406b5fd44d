"""What a tracker's YAML file says."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.cfg.arguments import load_yaml
from engine.runtime.errors import ConfigError

FOLDER = Path(__file__).resolve().parents[1] / "cfg" / "trackers"
KINDS = ("bytetrack", "botsort")
# What only BoT-SORT looks at; said of another tracker it would have no effect.
BOTSORT_ONLY = ("gmc_method", "proximity_thresh", "appearance_thresh", "with_reid", "model")
MOTIONS = ("sparseOptFlow", "orb", "sift", "ecc", "none")


@dataclass(frozen=True)
class TrackerOptions:
    """How objects are followed.

    Attributes:
        tracker_type: One of :data:`KINDS`.
        track_high_thresh: Detections at least this sure are associated first, 0..1.
        track_low_thresh: Detections down to this may carry on a track, 0..1.
        new_track_thresh: As sure as this to begin a track, 0..1.
        track_buffer: Frames that a lost track is remembered, of a video with 30 a second.
        match_thresh: Largest distance of the first association, 0..1.
        fuse_score: Whether less sure detections are further away.
        gmc_method: How the camera's motion is found, one of :data:`MOTIONS`.
        proximity_thresh: Appearance counts for boxes that overlap at least this much, 0..1.
        appearance_thresh: Appearance counts where it is at least this alike, 0..1.
        with_reid: Whether appearance is compared.
        model: What tells appearances: ``auto``, the detector's own features.
    """

    tracker_type: str = "bytetrack"
    track_high_thresh: float = 0.25
    track_low_thresh: float = 0.1
    new_track_thresh: float = 0.25
    track_buffer: int = 30
    match_thresh: float = 0.8
    fuse_score: bool = True
    gmc_method: str = "none"
    proximity_thresh: float = 0.5
    appearance_thresh: float = 0.8
    with_reid: bool = False
    model: str = "auto"


def read_options(file: str | Path | None) -> TrackerOptions:
    """Read a tracker's file, by path or by the name of one that comes with the program; None for BoT-SORT's.

    Raises:
        ConfigError: It is not there, or a key or value is none.
    """
    path = _found(Path(file or "botsort.yaml"))
    values = dict(load_yaml(path))
    known = {field.name: field for field in dataclasses.fields(TrackerOptions)}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(
                f"a tracker has no {name!r}; it has {', '.join(known)}.", path=path, value=name
            )
        values[name] = _checked(name, value, known[name].default, path)
    options = TrackerOptions(**values)
    idle = [name for name in BOTSORT_ONLY if name in values]
    if idle and options.tracker_type != "botsort":
        raise ConfigError(
            f"{', '.join(idle)} would have no effect on {options.tracker_type}.",
            path=path,
            remedy="Leave it out, or set tracker_type: botsort.",
        )
    if options.track_low_thresh > options.track_high_thresh:
        raise ConfigError("track_low_thresh is above track_high_thresh.", path=path)
    return options


def _found(file: Path) -> Path:
    if file.is_file():
        return file
    named = FOLDER / file.with_suffix(".yaml").name
    if len(file.parts) == 1 and named.is_file():
        return named
    raise ConfigError(
        "there is no such tracker.",
        path=file,
        remedy=f"Give the path of a YAML file, or one of {', '.join(f'{k}.yaml' for k in KINDS)}.",
    )


def _checked(name: str, value: Any, default: Any, path: Path) -> Any:
    """Return a value as the type of its default, within its range."""
    kind = type(default)
    if name == "gmc_method":
        value = "none" if value is None else value
    fits = (
        isinstance(value, int | float) and not isinstance(value, bool)
        if kind in (int, float)
        else isinstance(value, kind)
    )
    if not fits:
        raise ConfigError(
            f"{name} expects {kind.__name__}, received {value!r}.", path=path, value=value
        )
    if kind is float and not 0 <= value <= 1:
        raise ConfigError(f"{name} expects 0 to 1, received {value!r}.", path=path, value=value)
    if name == "track_buffer" and value < 1:
        raise ConfigError(f"{name} expects 1 or more, received {value!r}.", path=path, value=value)
    choices = {"tracker_type": KINDS, "gmc_method": MOTIONS, "model": ("auto",)}.get(name)
    if choices and value not in choices:
        raise ConfigError(
            f"{name} expects one of {', '.join(choices)}, received {value!r}.",
            path=path,
            value=value,
        )
    return kind(value)
