"""What long work tells when it ends, as one banner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data.problems import Problem
from studio.language import ntr, tr, tr_engine
from studio.model.count_words import image_count, label_count, shape_count
from studio.widgets.message_banner import MessageBanner
from studio.widgets.path_text import path_text

if TYPE_CHECKING:
    from studio.storage.dataset_export import ExportReport
    from studio.storage.dataset_import import ImportReport

_SHOWN = 200  # lines of details; more nobody reads


def tell_problems(banner: MessageBanner, said: str, problems: Sequence[Problem]) -> None:
    """Say how much went well and how much was left out; the details name each file, line and reason."""
    count = ntr("{count:,} problem", "{count:,} problems", len(problems)).format(
        count=len(problems)
    )
    banner.show_message(
        tr("{said}; {count} left out.").format(said=said, count=count),
        f"{problems[0]}"
        if len(problems) == 1
        else tr("The first: {problems}").format(problems=problems[0]),
        tone="warning",
        details=tr_engine("\n".join(map(str, problems[:_SHOWN]))),
    )


def tell_left(banner: MessageBanner, paths: Sequence[Path], why: str = "") -> None:
    """Name what did not come in, behind what the banner says already: that is then the reason.

    Args:
        banner: The window's.
        paths: What did not come in; nothing is said of none.
        why: The reason, where the banner does not say it.
    """
    if not paths:
        return
    said = tr("Not brought in: {names}.").format(names=", ".join(path.name for path in paths))
    if banner.isHidden():
        banner.show_message(said, why, tone="warning")
    else:
        banner.add(" ".join(filter(None, (said, why))))


def import_sentence(report: ImportReport) -> str:
    """Return what an import brought, without the full stop."""
    images, shapes = image_count(report.images), shape_count(report.annotations)
    said = tr("{images} and {shapes} were imported").format(images=images, shapes=shapes)
    if not (count := report.doubled):
        return said
    doubled = ntr("{count:,} was there already", "{count:,} were there already", count)
    return f"{said}; {doubled.format(count=count)}"


def tell_export(banner: MessageBanner, report: ExportReport, folder: Path) -> None:
    """Say what was written and what the format could not hold."""
    values = report.to_dict()
    lost = values.get("lost") or []
    images, labels = values["images"], values["annotations"]
    banner.show_message(
        ntr(
            "{count:,} image with {labels} was written to {folder}.",
            "{count:,} images with {labels} were written to {folder}.",
            images,
        ).format(count=images, labels=label_count(labels), folder=path_text(folder)),
        ntr(
            "{count:,} thing does not fit the format; see Details.",
            "{count:,} things do not fit the format; see Details.",
            len(lost),
        ).format(count=len(lost))
        if lost
        else "",
        tone="warning" if lost else "success",
        details=tr_engine("\n".join(map(str, lost))),
    )
