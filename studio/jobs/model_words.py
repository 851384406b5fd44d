"""How a model file's facts are said. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence

from engine.cfg.model_catalogue import family_of, title_of
from studio.jobs.messages import ModelFacts, Takeover

TASK_WORDS = {
    "detect": "boxes",
    "segment": "boxes with outlines",
    "classify": "the class of the whole image",
    "pose": "boxes with keypoints",
    "obb": "rotated boxes",
    "semseg": "a class for every pixel",
}
_NAMED = 3


def architecture_text(facts: ModelFacts) -> str:
    """Return ``YOLO11 nano (yolo11n-seg)``, or what the file says; empty where it says nothing."""
    name = facts.architecture
    known = family_of(name) != name
    return f"{title_of(name)} ({name})" if known else name


def parameters_text(parameters: int | None) -> str:
    """Return ``2.9 million``, or a dash where nobody knows."""
    if parameters is None:
        return "–"
    return f"{parameters / 1e6:.1f} million" if parameters >= 1e5 else f"{parameters:,}"


def why_not_trained(facts: ModelFacts, task: str) -> str:
    """Return why a training of this task cannot start from a file, in sentences; empty if it can."""
    if facts.format not in ("pt", "safetensors"):
        return (
            "An exported file can be run, not trained. Choose the .pt file that it was made from."
        )
    if facts.task != task:
        return (
            f"This model finds {TASK_WORDS.get(facts.task, facts.task)} ({facts.task}), this project trains "
            f"{TASK_WORDS.get(task, task)} ({task}). Start from a model of that task; to keep this one's backbone, "
            "name it under Advanced as “pretrained”."
        )
    if family_of(facts.architecture).startswith("YOLOE"):
        return (
            "An open-vocabulary model can find things here, but not be trained. A plain model takes over the layers "
            "that both have: name this file under Advanced as “pretrained”."
        )
    if facts.takeover is None:
        return "Its batch normalisation is folded in, so it can predict and be exported, but not be trained."
    return ""


def takeover_text(facts: ModelFacts, classes: Sequence[str]) -> str:
    """Return what a training on these classes keeps of a model, in one or two sentences."""
    if facts.takeover is None:
        return ""
    if list(facts.names) == list(classes):
        return "It knows this project's classes: a training goes on with all of its weights."
    if facts.takeover.kept == facts.takeover.total:
        return (
            f"All of its weights fit, but it knew other classes ({_named(facts.names)}): "
            "what it tells apart is learnt anew."
        )
    return f"{_kept(facts.takeover)} {_counted(facts, len(classes))}"


def _kept(takeover: Takeover) -> str:
    kept = f"{takeover.kept:,} of {takeover.total:,} tensors are kept"
    return (
        f"{kept}; what starts anew: {', '.join(takeover.initial)}."
        if takeover.initial
        else f"{kept}."
    )


def _counted(facts: ModelFacts, classes: int) -> str:
    known = len(facts.names)
    return f"It knows {known:,} class{'' if known == 1 else 'es'}, this project {classes:,}."


def _named(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
