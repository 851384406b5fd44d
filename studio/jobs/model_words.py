"""How a model file's facts are said. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence

from engine.cfg.model_catalogue import family_of, title_of
from studio.jobs.messages import ModelFacts, Takeover
from studio.language import ntr, tr, tr_engine

TASK_WORDS = {
    "detect": tr("boxes"),
    "segment": tr("boxes with outlines"),
    "classify": tr("the class of the whole image"),
    "pose": tr("boxes with keypoints"),
    "obb": tr("rotated boxes"),
    "semseg": tr("a class for every pixel"),
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
    return (
        tr("{parameters:.1f} million").format(parameters=parameters / 1e6)
        if parameters >= 1e5
        else f"{parameters:,}"
    )


def why_not_trained(facts: ModelFacts, task: str) -> str:
    """Return why a training of this task cannot start from a file, in sentences; empty if it can."""
    if facts.format not in ("pt", "safetensors"):
        return tr(
            "An exported file can be run, not trained. Choose the .pt file that it was made from."
        )
    if facts.task != task:
        return tr(
            "This model finds {finds} ({task}), this project trains {other_finds} ({other_task}). Start "
            "from a model of that task; to keep this one's backbone, name it under Advanced as "
            "“pretrained”."
        ).format(
            finds=TASK_WORDS.get(facts.task, facts.task),
            task=facts.task,
            other_finds=TASK_WORDS.get(task, task),
            other_task=task,
        )
    if facts.is_open and facts.words_problem:
        return tr("The names of the classes cannot be encoded: {problem}").format(
            problem=tr_engine(facts.words_problem)
        )
    if facts.is_fixed:
        return tr(
            "The classes of this model are fixed inside: it was adapted, or made to find anything. Start from the "
            "file that it was made from. A plain model takes over the layers that both have: name this file under "
            "Advanced as “pretrained”."
        )
    if facts.takeover is None:
        return tr(
            "Its batch normalisation is folded in, so it can predict and be exported, but not be trained."
        )
    return ""


def takeover_text(facts: ModelFacts, classes: Sequence[str]) -> str:
    """Return what a training on these classes keeps of a model, in one or two sentences."""
    if facts.takeover is None:
        return ""
    if list(facts.names) == list(classes):
        return tr("It knows this project's classes: a training goes on with all of its weights.")
    if facts.is_open:
        return tr("It is told in words what to find: the names of this project's classes.")
    if facts.takeover.kept == facts.takeover.total:
        return tr(
            "All of its weights fit, but it knew other classes ({named}): what it tells apart "
            "is learnt anew."
        ).format(named=_named(facts.names))
    return f"{_kept(facts.takeover)} {_counted(facts, len(classes))}"


def _kept(takeover: Takeover) -> str:
    kept = tr("{kept:,} of {total:,} tensors are kept").format(
        kept=takeover.kept, total=takeover.total
    )
    return (
        tr("{kept}; what starts anew: {initial}.").format(
            kept=kept, initial=", ".join(takeover.initial)
        )
        if takeover.initial
        else f"{kept}."
    )


def _counted(facts: ModelFacts, classes: int) -> str:
    known = len(facts.names)
    return ntr(
        "It knows {count:,} class, this project {classes:,}.",
        "It knows {count:,} classes, this project {classes:,}.",
        known,
    ).format(count=known, classes=classes)


def _named(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
