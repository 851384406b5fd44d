"""Label Studio: a JSON list of tasks, each a picture with the regions of its annotations; the short form JSON-MIN too.

Pictures lie where the description is, named as the tool's uploads are (``1a2b3c4d-name.jpg``) or by their
own names. Of several people's annotations of a task the first that was not cancelled is read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import quoteattr

from engine.data.annotations import Annotation, Keypoints, Tag
from engine.data.annotations.attribute_names import (
    ANNOTATION_MODEL,
    ANNOTATION_SOURCE,
    DESCRIPTION,
)
from engine.data.formats.collecting import ClassNumbers, framed, split_of, usable
from engine.data.formats.findings import Findings
from engine.data.formats.frames import Frame
from engine.data.formats.json_file import read_json
from engine.data.formats.labelstudio_shapes import (
    OURS,
    geometry_values,
    join_keypoints,
    region_geometry,
    region_labels,
)
from engine.data.formats.losses import loss_sentences
from engine.data.formats.pictures import How, PictureFinder, PicturePlacer, is_picture_name
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.shape_checks import UnusableShapeError
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

Progress = Callable[[int, int], None]
_Part: TypeAlias = tuple[dict[str, Any], Annotation]  # which keypoint of its object, and the shape
FILE = "label-studio.json"
_LOCAL = "/data/local-files/?d="
_HEAD_BYTES = 1 << 16
_UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")
_MARKS = ('"annotations"', '"predictions"', '"completions"')
_CONTROLS = ("RectangleLabels", "PolygonLabels", "BrushLabels", "KeyPointLabels")


def is_this(path: Path) -> bool:
    """Say whether a JSON file, or one of a folder's, is a list of tasks."""
    if path.is_dir():
        return len(_files(path)) == 1
    return path.suffix.lower() == ".json" and _has_tasks(path)


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read a list of tasks, or the one in a folder.

    Raises:
        DatasetError: It is no list of tasks.
    """
    file = path if path.is_file() else next(iter(_files(path)), path / FILE)
    tasks = read_json(file)
    tasks = [tasks] if isinstance(tasks, dict) else tasks
    if not isinstance(tasks, list):
        raise DatasetError("It is no list of tasks.", path=file)
    dataset = LabelledDataset({})
    findings = Findings(dataset.skipped)
    reader = _Reader(file, ClassNumbers(), PictureFinder([file.parent]), findings)
    for done, task in enumerate(tasks, start=1):
        image = reader.image(task, done)
        if image is not None:
            dataset.images.append(image)
        if progress:
            progress(done, len(tasks))
    dataset.names = reader.classes.names
    findings.close()
    return dataset


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
) -> WriteReport:
    """Write ``label-studio.json``, the labelling setup ``config.xml`` and ``images`` below the folder ``path``.

    The tool finds the pictures when the folder is served as its local storage.

    Args:
        dataset: What to write.
        path: Folder, made where missing.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write labels only.

    Raises:
        OSError: The folder cannot be written.
    """
    report = WriteReport(path / FILE)
    lost: Counter[str] = Counter()
    placer = PicturePlacer(path / "images", images, by_stem=False)
    tasks = []
    for done, image in enumerate(dataset.images, start=1):
        name = placer.place(image.path, image.split or "")
        data = {"image": f"{_LOCAL}images/{name}"} | ({"split": image.split} if image.split else {})
        task: dict[str, Any] = {"id": done, "data": data, "annotations": []}
        if image.annotations is not None:
            result = [
                region
                for number, annotation in enumerate(image.annotations)
                for region in _regions(annotation, number, image, dataset.names)
            ]
            task["annotations"] = [{"id": done, "was_cancelled": False, "result": result}]
        if image.predictions:
            task["predictions"] = [
                _prediction(model, found, image, dataset.names)
                for model, found in _by_model(image.predictions).items()
            ]
        if image.attributes:
            lost["[set|sets] of facts about pictures"] += 1
        tasks.append(task)
        report.images += 1
        report.annotations += len(image.annotations or ())
        if progress:
            progress(done, len(dataset.images))
    write_atomic(report.path, json.dumps(tasks, ensure_ascii=False, separators=(",", ":")))
    write_atomic(path / "config.xml", _config(dataset))
    report.lost = loss_sentences(lost)
    return report


class _Reader:
    """Turns tasks into pictures with annotations."""

    def __init__(
        self, file: Path, classes: ClassNumbers, finder: PictureFinder, findings: Findings
    ) -> None:
        self.file, self.classes, self.finder, self.findings = file, classes, finder, findings

    def image(self, task: Any, number: int) -> LabelledImage | None:
        """Return the picture of a task, None after noting why there is none."""
        who = f"Task {task.get('id', number) if isinstance(task, dict) else number}"
        if not isinstance(task, dict):
            self.findings.add(self.file, "Expected a task as an object.", who=who)
            return None
        given = task.get("data")
        data: dict[str, Any] = given if isinstance(given, dict) else task
        name = _picture_name(task, data)
        picture = self._find(name)
        if picture is None:
            reason = f"Its picture {name[:80]!r} is not there, or several of that name are."
            self.findings.add(self.file, reason, who=who)
            return None
        frame = framed(picture, (0, 0), self.findings, self.file)
        if frame is None:
            return None
        split = data.get("split") or split_of(picture, self.file.parent)
        split = split if split in ("train", "val", "test") else None
        regions = self._regions(task, data, who)
        annotations = None if regions is None else tuple(self._shapes(regions, frame, who))
        return LabelledImage(picture, *frame.real_wh, split, annotations)

    def _find(self, name: str) -> Path | None:
        if not name:
            return None
        plain = Path(name.replace("\\", "/")).name
        return self.finder.find(name) or self.finder.find(_UPLOAD.sub("", plain))

    def _regions(
        self, task: dict[str, Any], data: dict[str, Any], who: str
    ) -> list[dict[str, Any]] | None:
        """Return the regions of the annotation that counts, None where nobody has annotated."""
        for key in ("annotations", "completions", "predictions"):
            given = task.get(key)
            if not isinstance(given, list):
                continue
            usual = [a for a in given if isinstance(a, dict) and not a.get("was_cancelled")]
            if len(usual) > 1:
                reason = f"{len(usual)} people's {key} of one picture: the first was read."
                self.findings.add(self.file, reason, "note", who=who)
            if usual:
                regions = self._results(usual[0].get("result"), who)
                return _as_predicted(regions, usual[0]) if key == "predictions" else regions
        if "data" in task:
            return None
        return list(_short_regions(data)) or None

    def _results(self, result: Any, who: str) -> list[dict[str, Any]]:
        if not isinstance(result, list):
            self.findings.add(self.file, "Expected its result as a list.", who=who)
            return []
        good = [r for r in result if isinstance(r, dict) and isinstance(r.get("value"), dict)]
        if len(good) < len(result):
            count = len(result) - len(good)
            self.findings.add(self.file, f"{count} regions have no value.", who=who)
        return good

    def _shapes(self, regions: list[dict[str, Any]], frame: Frame, who: str) -> list[Annotation]:
        """Return the shapes of an annotation in their order; what is said of a region goes to its attributes."""
        facts = _facts(regions)
        shaped = {region.get("id") for region in regions if _is_shape(region)}
        found: list[list[_Part]] = []
        objects: dict[str, list[_Part]] = {}
        for region in regions:
            kind, value = str(region.get("type", "")), region["value"]
            if kind in ("choices", "taxonomy") and region.get("id") not in shaped:
                numbers = map(self.classes.number, _tags(value))
                tags = (Annotation(Tag(), n, _score(region), _own(region)) for n in numbers)
                found += [[({}, tag)] for tag in tags]
            elif _is_shape(region):
                annotation = self._shape(region, facts.get(region.get("id"), {}), frame, who)
                if annotation is None:
                    continue
                said = _part_of(value)
                key = str(region.get("parentID", region.get("id")))
                if said and key in objects:
                    objects[key].append((said, annotation))
                    continue
                found.append([(said, annotation)])
                if said:
                    objects[key] = found[-1]
            elif kind not in _OF_REGIONS:
                reason = f"A region of the kind {kind[:40]!r} is not for pictures."
                self.findings.add(self.file, reason, who=who)
        return [join_keypoints(parts) if parts[0][0] else parts[0][1] for parts in found]

    def _shape(
        self, region: dict[str, Any], facts: dict[str, Any], frame: Frame, who: str
    ) -> Annotation | None:
        kind, value = str(region["type"]), region["value"]
        told = region.get("original_width"), region.get("original_height")
        is_told = all(isinstance(side, int) and 0 < side < 1 << 20 for side in told)
        size = told if kind.startswith("brush") and is_told else frame.real_wh
        try:
            geometry = region_geometry(kind, value, size)  # type: ignore[arg-type]
            names = region_labels(kind, value) or facts.pop("", [])
            if not names:
                raise UnusableShapeError("It has no class.")
        except UnusableShapeError as error:
            region_id = str(region.get("id", ""))[:40]
            self.findings.add(self.file, str(error), who=f"{who}, region {region_id}")
            return None
        if len(names) > 1:
            reason = "A region of several classes got the first."
            self.findings.add(self.file, reason, "changed", who=who)
        if geometry is not None and size != frame.real_wh:
            width, height = frame.real_wh
            geometry = geometry.scaled(width / size[0], height / size[1])  # type: ignore[operator]
        placed = geometry and usable(geometry, frame, self.findings, self.file, who)
        if not placed:
            return None
        return Annotation(
            placed, self.classes.number(names[0]), _score(region), facts | _own(region)
        )


_MOST_POINTS = 10_000
_PREDICTED = ("prediction", "prediction-changed")  # what the tool says of a model's regions
_OF_REGIONS = {"choices", "taxonomy", "textarea", "number", "rating", "labels", "datetime"}
_SHAPES = {"rectangle", "polygon", "ellipse", "keypoint", "brush"}


def _is_shape(region: dict[str, Any]) -> bool:
    return str(region.get("type", "")).removesuffix("labels") in _SHAPES


def _part_of(value: dict[str, Any]) -> dict[str, Any]:
    """Return which keypoint of its object a region is, empty where it is none."""
    said = value.get(OURS)
    if not isinstance(said, dict):
        return {}
    point, of = said.get("point"), said.get("of")
    is_sane = type(point) is int and type(of) is int and 0 <= point < of <= _MOST_POINTS
    return said if is_sane else {}


def _facts(regions: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Return by region what separate results of the same id say of it; classes under the empty name."""
    found: dict[Any, dict[str, Any]] = {}
    for region in regions:
        kind, value = str(region.get("type", "")), region["value"]
        if kind not in _OF_REGIONS or not isinstance(region.get("id"), str):
            continue
        mine = found.setdefault(region["id"], {})
        name = str(region.get("from_name") or kind)
        if kind == "labels":
            mine[""] = region_labels(kind, value)
        elif kind == "textarea":
            mine[name] = " ".join(map(str, value.get("text") or ()))
        elif kind in ("choices", "taxonomy"):
            mine[name] = ", ".join(_tags(value))
        elif isinstance(value.get(kind), (int, float, str)):
            mine[name] = value[kind]
    return found


def _own(region: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that a region carries itself."""
    own = _said(region)
    if region.get("origin") in _PREDICTED:
        own.setdefault(ANNOTATION_SOURCE, "model")
    meta = region.get("meta")
    text = meta.get("text") if isinstance(meta, dict) else None
    if isinstance(text, list) and text:
        own[DESCRIPTION] = "\n".join(map(str, text))
    return own


def _as_predicted(
    regions: list[dict[str, Any]], prediction: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return a prediction's regions, each with the model that made it."""
    version = prediction.get("model_version")
    made = {ANNOTATION_MODEL: version} if isinstance(version, str) and version else {}
    return [{"origin": _PREDICTED[0], **region, OURS: made | _said(region)} for region in regions]


def _said(region: dict[str, Any]) -> dict[str, Any]:
    said = region.get(OURS)
    return dict(said) if isinstance(said, dict) else {}


def _score(region: dict[str, Any]) -> float | None:
    score = region.get("score")
    is_number = isinstance(score, (int, float)) and not isinstance(score, bool)
    return float(score) if is_number and 0 <= score <= 1 else None  # type: ignore[operator,arg-type]


def _tags(value: dict[str, Any]) -> list[str]:
    given = value.get("choices") or value.get("taxonomy") or []
    given = given if isinstance(given, list) else [given]
    return ["/".join(map(str, one)) if isinstance(one, list) else str(one) for one in given]


def _short_regions(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the regions of the short form: lists of values under the name of their control."""
    for key, value in task.items():
        entries = value if isinstance(value, list) else [value]
        for number, entry in enumerate(entries):
            if isinstance(entry, dict):
                kind = next((k for k in entry if k.endswith("labels")), "")
                if "rle" in entry and not kind.startswith("brush"):
                    kind = "brush"
                kind = kind or ("choices" if "choices" in entry else "")
                if kind:
                    yield {**entry, "id": f"{key}{number}", "type": kind, "value": entry}
            elif key in ("choice", "choices") and isinstance(entry, str):
                yield {"id": key, "type": "choices", "value": {"choices": [entry]}}


def _picture_name(task: dict[str, Any], data: dict[str, Any]) -> str:
    """Return the name of a task's picture: of what was uploaded, else of its address."""
    texts = [v for v in (data.get("image"), *data.values()) if isinstance(v, str)]
    for text in texts:
        query = parse_qs(urlsplit(text).query) if text.isprintable() and "?" in text else {}
        name = query["d"][0] if "d" in query else unquote(text.split("?", 1)[0])
        if is_picture_name(name):
            return re.sub(r"^[a-z0-9]+://[^/]*/|^/?data/(upload|local-files)/(\d+/)?|^/", "", name)
    upload = task.get("file_upload")
    return upload if isinstance(upload, str) else ""


def _regions(
    annotation: Annotation, number: int, image: LabelledImage, names: dict[int, str]
) -> Iterator[dict[str, Any]]:
    """Yield the regions that hold a shape."""
    label = names[annotation.class_id]
    attributes = dict(annotation.attributes)
    extra: dict[str, Any] = {"original_width": image.width, "original_height": image.height}
    extra |= {"image_rotation": 0, "to_name": "image"}
    if annotation.score is not None:
        extra["score"] = annotation.score
    if attributes.get(ANNOTATION_SOURCE) == "model":
        extra["origin"] = _PREDICTED[0]
        del attributes[ANNOTATION_SOURCE]
    if isinstance(attributes.get(DESCRIPTION), str):
        extra["meta"] = {"text": attributes.pop(DESCRIPTION).split("\n")}
    if attributes:
        extra[OURS] = attributes
    if isinstance(annotation.geometry, Tag):
        value: dict[str, Any] = {"choices": [label]}
        yield {"id": f"r{number}", "type": "choices", "from_name": "tag", "value": value, **extra}
        return
    parts = geometry_values(annotation.geometry, (image.width, image.height))
    for part, (kind, value) in enumerate(parts):
        region_id = f"r{number}" if len(parts) == 1 else f"r{number}-{part}"
        if isinstance(annotation.geometry, Keypoints):
            extra["parentID"] = f"r{number}"
        labelled = {**value, kind: [label]}
        control = kind.removesuffix("labels")
        yield {"id": region_id, "type": kind, "from_name": control, "value": labelled, **extra}


def _by_model(predictions: Sequence[Annotation]) -> dict[str, list[Annotation]]:
    """Return proposals by the model that made them."""
    found: dict[str, list[Annotation]] = {}
    for annotation in predictions:
        found.setdefault(str(annotation.attributes.get(ANNOTATION_MODEL, "")), []).append(
            annotation
        )
    return found


def _prediction(
    model: str, found: list[Annotation], image: LabelledImage, names: dict[int, str]
) -> dict[str, Any]:
    """Return what one model proposes; its score is that of the least sure object, which the tool sorts by."""
    result = [r for number, a in enumerate(found) for r in _regions(a, number, image, names)]
    scores = [a.score for a in found if a.score is not None]
    score = {"score": min(scores)} if scores else {}
    return {"model_version": model or "unknown", **score, "result": result}


def _config(dataset: LabelledDataset) -> str:
    """Return the labelling setup: an image and each kind of shape with all classes."""
    labels = "".join(f"    <Label value={quoteattr(name)}/>\n" for name in dataset.names.values())
    choices = "".join(f"    <Choice value={quoteattr(n)}/>\n" for n in dataset.names.values())
    controls = "".join(
        f'  <{tag} name="{tag.removesuffix("Labels").lower()}" toName="image">\n{labels}  </{tag}>\n'
        for tag in _CONTROLS
    )
    tags = f'  <Choices name="tag" toName="image" choice="multiple">\n{choices}  </Choices>\n'
    return f'<View>\n  <Image name="image" value="$image"/>\n{controls}{tags}</View>\n'


def _files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob("*.json")) if _has_tasks(file)]


def _has_tasks(file: Path) -> bool:
    """Tell by the beginning of a file whether it is a list of tasks."""
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if not head.startswith("["):
        return False
    return ('"data"' in head and any(m in head for m in _MARKS)) or '"original_width"' in head
