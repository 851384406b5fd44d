"""What the Suggest actions do: run the newest model on images, find more of what is selected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.app.shown_run import ShownRun
from studio.jobs.suggest_run import SuggestRun, progress_text
from studio.jobs.suggestions import SuggestionCount
from studio.language import tr
from studio.model.auto_annotation import AutoAnnotation, Examples
from studio.model.open_models import find_open_model
from studio.model.preferences import CONFIDENCE
from studio.model.records import ImageFilter, ImageRecord
from studio.model.runs import list_runs, read_args

if TYPE_CHECKING:
    from studio.app.studio import Studio

_UNLABELLED = ImageFilter(statuses=frozenset({"unlabelled"}))


class SuggestHandlers:
    """Handlers of suggestions.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._run = ShownRun(studio, progress_text, self._on_found)

    @property
    def is_running(self) -> bool:
        """Whether a model is at work on the project's images."""
        return self._run.is_running

    def stop(self) -> None:
        """Give the work up, because the project closes; what was found stays."""
        self._run.leave()

    def suggest_run_current(self) -> None:
        """Run the newest model on the image that shows."""
        session = self._studio.session
        if session is not None and session.workspace.image_id is not None:
            self._start([session.workspace.image_id])

    def suggest_run_unlabelled(self) -> None:
        """Run the newest model on every image without labels."""
        session = self._studio.session
        if session is None:
            return
        waiting = session.project.image_ids(_UNLABELLED)
        if waiting:
            self._start(waiting)
        else:
            session.say(tr("Every image is labelled."))

    def suggest_alike(self, where: str) -> None:
        """Find more of what is selected, on this image or on those of the list."""
        session = self._studio.session
        here = session.workspace.image() if session is not None else None
        if session is None or here is None or self._run.is_running:
            return
        names = {cls.id: cls.name for cls in session.project.classes()}
        shown = [s for s in session.workspace.selected_shapes() if s.geometry.area() > 0]
        if not shown:
            session.say(
                tr("Select one or several shapes with an area first: they are the examples.")
            )
            return
        if here.width and any(_is_outside(s.geometry.bounds(), here) for s in shown):
            session.say(
                tr("One of the selected shapes lies outside of the image: it shows no example.")
            )
            return
        model = find_open_model(session.project.runs_dir)
        if model is None:
            self._studio.window.banner.show_message(
                tr("There is no open-vocabulary model on this computer."),
                tr(
                    "Train a YOLOE model, or put weights such as yoloe-11s-seg.pt into the weights folder (see Settings)."
                ),
                tone="info",
            )
            return
        examples = Examples(
            str(here.path),
            tuple(shape.geometry.bounds() for shape in shown),
            tuple(names[shape.class_id] for shape in shown),
        )
        image_ids = (here.id,) if where == "image" else tuple(session.workspace.image_ids)
        batch = AutoAnnotation(str(model), image_ids, self._arguments(model), examples=examples)
        self._run_batch(batch)

    def _arguments(self, model: Path) -> dict[str, Any]:
        arguments: dict[str, Any] = {"conf": float(self._studio.preferences[CONFIDENCE])}
        if imgsz := read_args(model.parent.parent).get("imgsz"):
            arguments["imgsz"] = imgsz
        return arguments

    def _start(self, image_ids: Sequence[int]) -> None:
        session = self._studio.session
        if session is None or self._run.is_running:
            return
        model = newest_model(session.project.runs_dir)
        if model is None:
            self._studio.window.banner.show_message(
                tr("There is no trained model in this project yet."),
                tr("Train one first; then it can suggest shapes."),
                tone="info",
                action_text=tr("Go to Train"),
                action=lambda: self._studio.show_page("train"),
            )
            return
        self._run_batch(AutoAnnotation(str(model), tuple(image_ids), self._arguments(model)))

    def _run_batch(self, batch: AutoAnnotation) -> None:
        session = self._studio.session
        if session is None:
            return
        run = SuggestRun(session.project, self._studio.jobs, batch, session)
        self._run.follow(run, tr("Starting the model"))

    def _on_found(self, count: SuggestionCount) -> None:
        if self._studio.session is not None:
            self._studio.session.say(count.sentence())


def newest_model(runs_dir: Path) -> Path | None:
    """Return the best weights of the newest run that has any."""
    weights = (run / "weights" / "best.pt" for run in list_runs(runs_dir))
    return next((path for path in weights if path.is_file()), None)


def _is_outside(bounds: tuple[float, float, float, float], image: ImageRecord) -> bool:
    """Whether a box (x1, y1, x2, y2 in pixels) covers nothing of an image."""
    x1, y1, x2, y2 = bounds
    return min(x2, image.width) <= max(x1, 0) or min(y2, image.height) <= max(y1, 0)
