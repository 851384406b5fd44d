from __future__ import annotations

import os
import threading

import pytest
import torch

from engine.training.prefetch import Prefetcher, loader_workers


def test_gives_all_batches_in_order_prepared_each_time_it_is_iterated():
    prefetcher = Prefetcher([1, 2, 3], prepare=lambda b: b * 10)
    assert list(prefetcher) == [10, 20, 30]
    assert list(prefetcher) == [10, 20, 30]


def test_works_ahead_of_the_consumer():
    made = []
    second = threading.Event()

    def batches():
        for i in range(3):
            made.append(i)
            if i == 1:
                second.set()
            yield i

    iterator = iter(Prefetcher(batches()))
    assert next(iterator) == 0
    assert second.wait(5)  # made without being asked for
    assert list(iterator) == [1, 2]


def test_errors_come_out_where_the_batches_are_used():
    def batches():
        yield 1
        raise ValueError("damaged")

    iterator = iter(Prefetcher(batches()))
    assert next(iterator) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(iterator)


def test_leaving_early_ends_the_thread():
    before = threading.active_count()
    for batch in Prefetcher(range(1000)):
        if batch == 2:
            break
    assert threading.active_count() == before


def test_processes_load_for_gpus_and_no_more_than_there_are_cores():
    gpu, cores = torch.device("cuda", 0), os.cpu_count() or 1
    assert [loader_workers(n, gpu) for n in (0, 1, 10_000)] == [0, 1, cores]
    assert [loader_workers(n, torch.device("cpu")) for n in (0, 8)] == [0, 0]


def test_who_asks_for_processes_on_a_processor_is_told(tiny_task, make_trainer, read_events):
    messages = []
    for changes in ({}, {"workers": 2}):
        trainer = make_trainer(**tiny_task("detect"), epochs=1, name="run", **changes)
        trainer.train()
        messages.append([e["message"] for e in read_events(trainer.save_dir, "log")])
    told = [any(m.startswith("workers:") for m in said) for said in messages]
    assert told == [False, True]
