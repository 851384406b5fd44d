"""Why a run ended without a result, in two sentences: what happened and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.language import tr

_RESUME = tr("Resume goes on after the last epoch that was saved.")
_LESS_MEMORY = tr("Choose a smaller batch, a smaller image size or a smaller model")

# kind of an engine error -> (what happened when it brings no message, what to do when it brings no remedy)
_KINDS: dict[str, tuple[str, str]] = {
    "out_of_memory": (
        tr("The memory of the device was not enough for this training."),
        tr("{less_memory}, then train again.").format(less_memory=_LESS_MEMORY),
    ),
    "data": (
        tr("The images or labels cannot be used."),
        tr("Look at the details, correct the file they name, then train again."),
    ),
    "checkpoint": (
        tr("The model file cannot be used."),
        tr("Choose another model, then train again."),
    ),
    "config": (
        tr("One of the settings cannot be used."),
        tr("Correct the setting that the details name, then train again."),
    ),
    "crash": (
        tr("The training met an error it did not expect."),
        tr("Look at the details. {resume}").format(resume=_RESUME),
    ),
}

# name of the signal -> the same pair
_SIGNALS: dict[str, tuple[str, str]] = {
    "SIGKILL": (
        tr("The training was killed, most often because memory ran out."),
        tr("{less_memory}, or close other programs. {resume}").format(
            less_memory=_LESS_MEMORY, resume=_RESUME
        ),
    ),
    "SIGTERM": (tr("The training was asked to end from outside."), _RESUME),
    "SIGHUP": (tr("The session that the training ran in was ended."), _RESUME),
    "SIGINT": (tr("The training was interrupted from the keyboard."), _RESUME),
    "SIGSEGV": (
        tr("The training crashed inside a library."),
        tr("Look at the details; a newer driver or torch often helps. {resume}").format(
            resume=_RESUME
        ),
    ),
    "SIGBUS": (
        tr("The training could not read memory or disk it had been given."),
        tr(
            "Look whether the disk or shared memory is full; fewer workers need less. {resume}"
        ).format(resume=_RESUME),
    ),
}

_SENTENCE = "yolo: "
_VANISHED = (
    tr(
        "The training ended without a word: the computer was switched off or its processes were killed."
    ),
    _RESUME,
)

# what the log's end says when no event could be written any more -> kind or pair
_LOG_SIGNS: tuple[tuple[str, tuple[str, str]], ...] = (
    (r"CUDA out of memory|OutOfMemoryError|MemoryError|bad_alloc", _KINDS["out_of_memory"]),
    (
        r"No space left on device|Errno 28",
        (tr("The disk is full."), tr("Free some space. {resume}").format(resume=_RESUME)),
    ),
    (
        r"No module named '(torch|torchvision|engine)'",
        (
            tr("PyTorch is not installed in the Python that runs this program."),
            tr("Run 'maskwright doctor': it says what is missing and how to get it."),
        ),
    ),
)


@dataclass(frozen=True)
class Failure:
    """Why something ended: a sentence for what happened, one for what to do, and a record to copy."""

    reason: str
    remedy: str = ""
    details: str = ""


def explain(
    error: Mapping[str, Any] | None, exit_record: Mapping[str, Any] | None, log: str
) -> Failure:
    """Return why a training failed.

    Args:
        error: The engine's own ``error`` event, if it could still write one.
        exit_record: What the supervisor wrote into ``exit.json``; None if nobody was left to write it.
        log: The last lines of the run's log.
    """
    if error is not None:
        kind = str(error.get("kind") or "crash")
        reason, remedy = _KINDS.get(kind, _KINDS["crash"])
        return Failure(
            str(error.get("message") or reason),
            str(error.get("remedy") or remedy),
            str(error.get("details") or log),
        )
    if exit_record is None:
        return Failure(*_VANISHED, log)
    if exit_record.get("error"):
        return Failure(str(exit_record["error"]), str(exit_record.get("remedy") or ""), log)
    if exit_record.get("signal"):
        return Failure(*_for_signal(exit_record), log)
    for pattern, (reason, remedy) in _LOG_SIGNS:
        if re.search(pattern, log):
            return Failure(reason, remedy, log)
    code = exit_record.get("code")
    last = _last_line(log)
    if last.startswith(_SENTENCE):  # the engine's command line ends with one sentence
        return Failure(last.removeprefix(_SENTENCE), tr("Correct it, then train again."), log)
    return Failure(
        (
            tr("The training ended with code {code}: {last}")
            if last
            else tr("The training ended with code {code}.")
        ).format(code=code, last=last),
        _RESUME,
        log,
    )


def read_log_end(path: Path, limit: int = 16 * 1024) -> str:
    """Return the last lines of a log, progress bars reduced to their last state; empty without a file."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            size = file.tell()
            file.seek(max(0, size - limit))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    lines = text.split("\n")
    if size > limit:
        lines = lines[1:]
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines).strip()


def _for_signal(exit_record: Mapping[str, Any]) -> tuple[str, str]:
    name = str(exit_record["signal"])
    reason, remedy = _SIGNALS.get(name, (f"The training was ended by {name}.", _RESUME))
    if name == "SIGKILL" and exit_record.get("out_of_memory"):
        reason = tr("The system killed the training because memory ran out.")
    peak = exit_record.get("peak_mib")
    if name == "SIGKILL" and isinstance(peak, int | float) and peak > 0:
        reason += tr(" It held up to {peak:.1f} GB.").format(peak=peak / 1024)
    return reason, remedy


def _last_line(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else ""
