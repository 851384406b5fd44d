"""Data sets and loaders from a run's arguments."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from engine.data.dataset import SampleKey, YOLODataset


def build_yolo_dataset(
    args: Any,
    img_path: str | Path | Sequence[str | Path],
    batch: int | None,
    data: Mapping[str, Any],
    mode: str = "train",
    rect: bool = False,
    stride: int = 32,
    kind: Callable[..., YOLODataset] = YOLODataset,
) -> YOLODataset:
    """Build the data set of one split.

    Args:
        args: Run arguments; ``imgsz``, ``task``, ``cache``, ``single_cls``, ``classes``, ``fraction``,
            ``seed``, ``workers``, ``rect`` and the augmentation's are read.
        img_path: Folder, list file or several of them.
        batch: Pictures a batch, for ``rect``.
        data: What ``read_data_yaml`` returned.
        mode: "train" augments, unless ``args.rect`` asks for rectangles; "val" does not.
        rect: Order by shape and fit each batch tightly.
        stride: Of the network.
        kind: What makes it.
    """
    training = mode == "train"
    rect = rect or (training and bool(getattr(args, "rect", False)))
    return kind(
        img_path,
        imgsz=args.imgsz,
        data=data,
        task=getattr(args, "task", None) or "detect",
        augment=training and not rect,
        hyp=args,
        rect=rect,
        batch_size=batch or 16,
        stride=int(stride),
        cache=getattr(args, "cache", False),
        single_cls=bool(getattr(args, "single_cls", False)),
        fraction=float(getattr(args, "fraction", None) or 1.0) if training else 1.0,
        seed=int(getattr(args, "seed", None) or 0),
        workers=int(getattr(args, "workers", None) or 0),
        classes=getattr(args, "classes", None),
    )


# Pictures of this many places back in an epoch's order may take part in a sample, a few of them drawn.
_NEAR, _PARTNERS = 1024, 12
# Side in pixels of a picture that the coarsest level of a network sees as one cell.
_ONE_CELL = 32


class SeededSampler(Sampler[SampleKey]):
    """Gives the pictures of an epoch in an order that follows from seed and epoch alone.

    It names epoch and mode with each picture, so workers need no news from this process and batches that
    are loaded ahead belong to the right epoch. With several processes all draw the same order, and each takes
    every n-th picture of it.
    """

    def __init__(
        self, dataset: YOLODataset, shuffle: bool, seed: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        """Take the data set and this process's place among ``world``."""
        self.dataset, self.shuffle, self.seed = dataset, shuffle, seed
        self.rank, self.world, self.epoch, self.skip = rank, world, 0, 0

    def __len__(self) -> int:
        return len(range(self.rank, len(self.dataset), self.world))

    def __iter__(self) -> Iterator[SampleKey]:
        count = len(self.dataset)
        order = np.arange(count)
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(count)
        order = order[self.rank :: self.world]
        blends = self.dataset.blends
        near = self._partners(order) if blends and self.shuffle else None
        for place in range(self.skip // self.world, len(order)):
            key = int(order[place]), self.epoch, blends
            yield key if near is None else (*key, tuple(near[place].tolist()))

    def _partners(self, order: np.ndarray) -> np.ndarray | None:
        """Draw for each place those who may take part in its sample: some that came shortly before it.

        A picture that came shortly before is still in memory, one of the whole data set would have to be
        decoded again: four times the work for each mosaic. None where all pictures are near.
        """
        if len(order) <= _NEAR:
            return None
        rng = np.random.default_rng((self.seed, self.epoch, 1))
        first = np.maximum(np.arange(len(order)) - _NEAR, 0)
        near: np.ndarray = order[first[:, None] + rng.integers(_NEAR, size=(len(order), _PARTNERS))]
        return near


class SharedBatches(Sampler[list[SampleKey]]):
    """One process's share of the batches of an epoch.

    Together the processes have the batches that one alone would have, each picture once, and all have equally
    many batches. Where the last one has not enough pictures for all, they go into the one before.
    """

    def __init__(self, sampler: SeededSampler, batch: int, least: int = 1) -> None:
        """Take this process's pictures.

        Args:
            sampler: Gives them.
            batch: Pictures a process and batch.
            least: Pictures that each process has in a batch at least.
        """
        self.sampler, self.batch, self.least = sampler, batch, least

    def __len__(self) -> int:
        batch, count = self.batch * self.sampler.world, len(self.sampler.dataset)
        whole, rest = divmod(count, batch)
        return max(whole + (rest >= self.least * self.sampler.world), 1)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        keys = iter(self.sampler)
        done = self.sampler.skip // (self.batch * self.sampler.world)
        for _ in range(done + 1, len(self)):
            yield list(itertools.islice(keys, self.batch))
        yield list(keys)


class YOLODataLoader(DataLoader):
    """A loader whose epochs can be named, with workers that stay from epoch to epoch."""

    @property
    def order(self) -> SeededSampler:
        """What decides which picture comes when."""
        batches: Any = self.batch_sampler
        found: SeededSampler = batches.sampler
        return found

    def set_epoch(self, epoch: int, skip: int = 0) -> None:
        """Name the epoch that the next iteration belongs to: it fixes order and augmentation.

        Args:
            epoch: Number of the epoch, from 0.
            skip: How many of its first pictures to leave out, because they were seen already; of several
                processes by all of them.
        """
        self.order.epoch, self.order.skip = epoch, skip

    def in_batches_of(self, batch: int) -> YOLODataLoader:
        """Give a loader of the same pictures in the same order, ``batch`` at a time."""
        sampler = self.order
        rank = sampler.rank if sampler.world > 1 else -1
        return build_dataloader(
            sampler.dataset, batch, self.num_workers, sampler.shuffle, rank, sampler.seed
        )

    def reset(self) -> None:
        """Let workers take over changes of the data set: they are started anew at the next iteration."""
        self.close()

    def close(self) -> None:
        """Stop the workers."""
        iterator, self._iterator = self._iterator, None
        if iterator is not None and hasattr(iterator, "_shutdown_workers"):
            iterator._shutdown_workers()  # noqa: SLF001 (torch offers no other way)


def build_dataloader(
    dataset: YOLODataset,
    batch: int,
    workers: int = 0,
    shuffle: bool = True,
    rank: int = -1,
    seed: int = 0,
) -> YOLODataLoader:
    """Build the loader of a data set.

    Args:
        dataset: Of one split.
        batch: Pictures a batch and process; the last one may be smaller. Where the network sees a picture as
            one cell, a last one of a single picture waits for another epoch, or with several processes joins
            the batch before: a batch norm cannot learn from one value.
        workers: Processes that load; 0 loads where it is iterated. Never more than there are cores.
        shuffle: Draw a new order every epoch.
        rank: This process among those of a distributed training; -1 outside one, and so is 0 where there is none.
        seed: Of the order.
    """
    batch = min(batch, len(dataset))
    workers = min(workers, os.cpu_count() or 1) if batch else 0
    is_shared = (
        rank >= 0 and torch.distributed.is_available() and torch.distributed.is_initialized()
    )
    world = torch.distributed.get_world_size() if is_shared else 1
    sampler = SeededSampler(dataset, shuffle, seed, max(rank, 0), world)
    options: dict[str, Any] = {}
    one_cell = shuffle and batch > 1 and dataset.imgsz <= _ONE_CELL
    lonely = one_cell and len(dataset) > batch and len(dataset) % batch == 1
    if workers:
        # Scripts without a __main__ guard, as everybody writes them, need fork where there is one.
        context = "fork" if sys.platform == "linux" else "spawn"
        options = {
            "persistent_workers": True,
            "prefetch_factor": 3,
            "multiprocessing_context": context,
        }
    if world > 1:
        options["batch_sampler"] = SharedBatches(sampler, batch, 2 if one_cell else 1)
    else:
        options |= {"batch_size": batch, "sampler": sampler, "drop_last": lonely}
    return YOLODataLoader(
        dataset,
        num_workers=workers,
        collate_fn=dataset.collate_fn,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_start_worker,
        **options,
    )


def _start_worker(number: int) -> None:
    """Keep each worker to one thread: there is one worker a core already."""
    import cv2

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
