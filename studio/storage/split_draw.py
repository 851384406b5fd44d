"""Drawing splits: by shares, even over the classes, and with groups of images kept together."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from studio.language import tr
from studio.model.edits import SetSplit
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.records import SPLITS
from studio.storage.image_index import store_of
from studio.storage.splits import chance

GroupBy = Literal["nothing", "folder", "name", "tag"]
_NO_CLASS = -1  # stands for the images without shapes, which are spread like a class


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How splits are drawn.

    Attributes:
        val: Share for validation, 0..1.
        test: Share for testing, 0..1.
        seed: Another seed gives another division.
        by_class: Spread the images of each class over the splits in these shares.
        group_by: What keeps images together in one split: their folder; what ``pattern`` finds in
            their file name; a tag that they share.
        pattern: For ``name`` a regular expression (its first group, else all that it finds, names
            the group); for ``tag`` how the tags begin that count, empty for all.
        keep: Leave images that have a split where they are.
    """

    val: float = 0.2
    test: float = 0.0
    seed: int = 0
    by_class: bool = True
    group_by: GroupBy = "nothing"
    pattern: str = ""
    keep: bool = False

    def __post_init__(self) -> None:
        if not (0 <= self.val < 1 and 0 <= self.test < 1 and self.val + self.test < 1):
            raise EditError(
                tr(
                    "Validation and test leave nothing to train on: their shares must be 0 or more and "
                    "below 100 % together, received {val:.0%} and {test:.0%}."
                ).format(val=self.val, test=self.test)
            )


@dataclass(frozen=True, slots=True)
class SplitItem:
    """An image to place.

    Attributes:
        id: The image.
        key: Its path below the folder it was added from.
        classes: The classes on it.
        tags: Its tags.
        fixed: The split that it must keep, else None.
    """

    id: int
    key: str
    classes: frozenset[int] = frozenset()
    tags: tuple[str, ...] = ()
    fixed: str | None = None


@dataclass(frozen=True)
class SplitDraw:
    """What a plan gives.

    Attributes:
        splits: The split of each image.
        images: Number of images of each split.
        classes: For each class the number of images of each split.
        locked: How many images a version holds where they are.
        groups: How many groups of images were kept together.
    """

    splits: dict[int, str]
    images: Counter[str] = field(default_factory=Counter)
    classes: dict[int, Counter[str]] = field(default_factory=dict)
    locked: int = 0
    groups: int = 0


def draw(project: Project, plan: SplitPlan) -> SplitDraw:
    """Return the splits that a plan gives the images of a project; changes nothing.

    The project may be open for reading only, in a thread of its own.

    Raises:
        EditError: The pattern is no regular expression, or there are no images.
    """
    items, locked = read_items(project, plan)
    if not items:
        raise EditError(tr("The project has no images to divide."))
    splits, groups = draw_items(items, plan)
    classes: dict[int, Counter[str]] = defaultdict(Counter)
    for item in items:
        for class_id in item.classes:
            classes[class_id][splits[item.id]] += 1
    return SplitDraw(splits, Counter(splits.values()), dict(classes), locked, groups)


def draw_edit(project: Project, drawn: SplitDraw, seed: int) -> SetSplit | None:
    """Return the edit that puts drawn splits into the project, None where nothing changes."""
    before = store_of(project).split_of()
    changed = {i: split for i, split in drawn.splits.items() if before.get(i) != split}
    return (
        SetSplit(changed, None, tr("Draw splits (seed {seed})").format(seed=seed))
        if changed
        else None
    )


def read_items(project: Project, plan: SplitPlan) -> tuple[list[SplitItem], int]:
    """Return the images of a project as a plan sees them, and how many of them are locked."""
    store = store_of(project)
    classes: dict[int, set[int]] = defaultdict(set)
    for class_id, image_id in store.db.rows("SELECT class_id, image_id FROM image_classes"):
        classes[image_id].add(class_id)
    tags: dict[int, list[str]] = defaultdict(list)
    for tag, image_id in store.db.rows("SELECT tag, image_id FROM image_tags ORDER BY tag"):
        tags[image_id].append(tag)
    sql = "SELECT id, rel, split, locked_by FROM images WHERE removed = 0 AND note = ''"
    items, locked = [], 0
    for image_id, rel, split, locked_by in store.db.rows(sql):
        is_locked = bool(locked_by and split)
        locked += is_locked
        fixed = split if is_locked or plan.keep else None
        own = frozenset(classes.get(image_id, ()))
        items.append(SplitItem(image_id, rel, own, tuple(tags.get(image_id, ())), fixed))
    return items, locked


def draw_items(items: Sequence[SplitItem], plan: SplitPlan) -> tuple[dict[int, str], int]:
    """Return the split of each image, and how many groups of more than one were kept together.

    Units (images, or groups of them) are placed by iterative stratification (Sechidis, Tsoumakas and
    Vlahavas: On the Stratification of Multi-label Data, 2011): the rarest class first, each unit to
    the split that lacks most of it. Ties are broken by a hash of the path and the seed, so the same
    images and the same seed always give the same division.

    Raises:
        EditError: The pattern is no regular expression.
    """
    units = _units(items, plan)
    groups = sum(len(unit) > 1 for unit in units)
    shares = {"train": 1 - plan.val - plan.test, "val": plan.val, "test": plan.test}
    lack = _Lack(items, shares, plan.by_class)
    splits: dict[int, str] = {}
    free: list[_Unit] = []
    for unit in units:
        # a group with a member that is locked goes where that member is: it must not be torn apart
        fixed = Counter(item.fixed for item in unit if item.fixed)
        made = _Unit(unit, plan)
        if not fixed:
            free.append(made)
            continue
        most = max(SPLITS, key=lambda name: fixed[name])
        for item in unit:
            splits[item.id] = item.fixed or most
            lack.place(item, splits[item.id])
    for unit_, split in _stratify(free, lack):
        for item in unit_.items:
            splits[item.id] = split
    return splits, groups


class _Unit:
    """Images that stay together."""

    def __init__(self, items: Sequence[SplitItem], plan: SplitPlan) -> None:
        self.items = items
        self.luck = min(chance(item.key, plan.seed) for item in items)
        self.classes: Counter[int] = Counter(
            class_id for item in items for class_id in _strata(item, plan.by_class)
        )


class _Lack:
    """How many images each split still lacks, in all and of each class."""

    def __init__(
        self, items: Sequence[SplitItem], shares: Mapping[str, float], by_class: bool
    ) -> None:
        self._by_class = by_class
        totals = Counter(c for item in items for c in _strata(item, by_class))
        self.names = [name for name in SPLITS if shares[name] > 0]
        self.images = {name: shares[name] * len(items) for name in self.names}
        self.classes = {
            class_id: {name: shares[name] * count for name in self.names}
            for class_id, count in totals.items()
        }

    def place(self, item: SplitItem, split: str) -> None:
        """Note that an image went into a split; one that the plan gives nothing may still hold locked images."""
        if split not in self.images:
            return
        self.images[split] -= 1
        for class_id in _strata(item, self._by_class):
            self.classes[class_id][split] -= 1

    def best(self, class_id: int) -> str:
        """Return the split that lacks most of a class, of those most images, of those the first."""
        wanted = self.classes[class_id]
        return max(self.names, key=lambda name: (wanted[name], self.images[name]))


def _stratify(units: Sequence[_Unit], lack: _Lack) -> Iterable[tuple[_Unit, str]]:
    """Yield each unit with its split, the rarest class first, within it large units first."""
    by_class: dict[int, list[_Unit]] = defaultdict(list)
    for unit in units:
        for class_id in unit.classes:
            by_class[class_id].append(unit)
    left = Counter({class_id: len(members) for class_id, members in by_class.items()})
    placed: set[int] = set()
    while left:
        class_id = min(left, key=lambda known: (left[known], known))
        waiting = [unit for unit in by_class[class_id] if id(unit) not in placed]
        waiting.sort(key=lambda unit: (-len(unit.items), unit.luck))
        for unit in waiting:
            split = lack.best(class_id)
            placed.add(id(unit))
            for item in unit.items:
                lack.place(item, split)
            for other in unit.classes:
                left[other] -= 1
            yield unit, split
        left = Counter({known: count for known, count in left.items() if count > 0})


def _strata(item: SplitItem, by_class: bool) -> Iterable[int]:
    return item.classes if by_class and item.classes else (_NO_CLASS,)


def _units(items: Sequence[SplitItem], plan: SplitPlan) -> list[list[SplitItem]]:
    """Return the images that stay together, in the order of their first members."""
    if plan.group_by == "tag":
        return _by_shared_tags(items, plan.pattern)
    find = _finder(plan)
    groups: dict[object, list[SplitItem]] = defaultdict(list)
    for item in items:
        groups[find(item) or (item.id,)].append(item)
    return list(groups.values())


def _finder(plan: SplitPlan) -> Callable[[SplitItem], str]:
    """Return what names the group of an image, empty for one that is alone."""
    if plan.group_by == "folder":
        return lambda item: str(PurePosixPath(item.key).parent)
    if plan.group_by == "nothing":
        return lambda item: ""
    try:
        pattern = re.compile(plan.pattern)
    except re.error as error:
        raise EditError(
            tr("The pattern {pattern!r} is no regular expression: {error}.").format(
                pattern=plan.pattern, error=error
            ),
            remedy=tr(r"Write for instance (.+)_\d+ for names such as film3_0012.jpg."),
        ) from error

    def named(item: SplitItem) -> str:
        found = pattern.search(PurePosixPath(item.key).name)
        if found is None:
            return ""
        return (found.group(1) if pattern.groups else found.group()) or ""

    return named


def _by_shared_tags(items: Sequence[SplitItem], start: str) -> list[list[SplitItem]]:
    """Return the images joined by the tags that begin with ``start``; one without such a tag is alone."""
    first: dict[str, int] = {}
    parent = list(range(len(items)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for place, item in enumerate(items):
        for tag in item.tags:
            if tag.startswith(start):
                parent[root(place)] = root(first.setdefault(tag, place))
    groups: dict[int, list[SplitItem]] = defaultdict(list)
    for place, item in enumerate(items):
        groups[root(place)].append(item)
    return list(groups.values())
