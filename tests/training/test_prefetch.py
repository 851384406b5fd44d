from __future__ import annotations

import threading

import pytest

from engine.training.prefetch import Prefetcher


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
