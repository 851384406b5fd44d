"""What long work tells when it ends, as one banner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.data.problems import Problem
from studio.storage.dataset_export import ExportReport
from studio.storage.dataset_import import ImportReport
from studio.widgets.message_banner import MessageBanner
from studio.widgets.path_text import path_text

_SHOWN = 200  # lines of details; more nobody reads


def tell_problems(banner: MessageBanner, said: str, problems: Sequence[Problem]) -> None:
    """Say how much went well and how much was left out; the details name each file, line and reason."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
    banner.show_message(
        f"{said}; {count} left out.",
        f"{problems[0]}" if len(problems) == 1 else f"The first: {problems[0]}",
        tone="warning",
        details="\n".join(map(str, problems[:_SHOWN])),
    )


def import_sentence(report: ImportReport) -> str:
    """Return what an import brought, without the full stop."""
    images = "1 image" if report.images == 1 else f"{report.images:,} images"
    shapes = "1 shape" if report.annotations == 1 else f"{report.annotations:,} shapes"
    return f"{images} and {shapes} were imported"


def tell_export(banner: MessageBanner, report: ExportReport, folder: Path) -> None:
    """Say what was written and what the format could not hold."""
    values = report.to_dict()
    lost = values.get("lost") or []
    images, labels = values["images"], values["annotations"]
    banner.show_message(
        f"{images:,} images with {labels:,} labels were written to {path_text(folder)}.",
        f"{len(lost)} things do not fit the format; see Details." if lost else "",
        tone="warning" if lost else "success",
        details="\n".join(map(str, lost)),
    )
