"""``docs/pictures.md``: every scene with its sentence, in the reader's scheme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from docs.scenes.paper import SUFFIX
from docs.scenes.scene import Scene

_HEAD = """# Pictures of the window

Each is played with real mouse and key events on the sample project by `python -m docs.make_screenshots`, in both colour
schemes; the scenes are the functions of `docs/scenes/`. This page is made by the same command.
"""
_GROUPS = (
    ("The window", ("start", "annotate", "settings", "command-palette", "shortcuts", "keypoints-dialog")),
    ("Tools", ("tool-",)),
    ("Panels beside the canvas", ("panel-",)),
    ("The data set", ("dataset-", "import-", "export-dataset", "label-next", "check-labels")),
    ("Suggestions and their review", ("suggest", "find-", "review-")),
    ("Videos", ("video-", "follow")),
    ("Training and models", ("train-", "validation", "models", "export")),
)  # fmt: skip
_LANGUAGES = {"zh_CN": "Simplified Chinese"}


def write_page(
    file: Path, scenes: Iterable[Scene], translated: Mapping[str, Iterable[str]], folder: Path
) -> None:
    """Write the page.

    Args:
        file: Beside the folder ``screenshots``.
        scenes: All scenes.
        translated: Names of the scenes that are also shown in other languages, by language.
        folder: Holds the pictures; what is not there in another language is left out.
    """
    waiting = {scene.name: scene for scene in scenes}
    parts = [_HEAD]
    for title, starts in _GROUPS:
        group = [name for start in starts for name in waiting if name.startswith(start)]
        parts.append(f"## {title}\n")
        parts += [_entry(name, _sentence(waiting.pop(name))) for name in dict.fromkeys(group)]
    for language, names in translated.items():
        if not any(folder.glob(f"*-{language[:2]}-*{SUFFIX}")):
            continue
        parts.append(f"## In {_LANGUAGES[language]}\n")
        parts += [_entry(f"{name}-{language[:2]}", "") for name in names]
    file.write_text("\n".join(parts), encoding="utf-8")


def _entry(name: str, sentence: str) -> str:
    picture = (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="screenshots/{name}-dark{SUFFIX}">'
        f'<img alt="{sentence or name}" src="screenshots/{name}-light{SUFFIX}"></picture>'
    )
    return f"### {name}\n\n{sentence}\n\n{picture}\n" if sentence else f"### {name}\n\n{picture}\n"


def _sentence(scene: Scene) -> str:
    return (scene.play.__doc__ or "").split("\n")[0]
