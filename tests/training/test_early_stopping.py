from __future__ import annotations

from engine.training.early_stopping import EarlyStopping


def test_stops_after_patience_epochs_without_improvement():
    stopper = EarlyStopping(patience=2)
    assert [stopper(e, f) for e, f in enumerate([0.1, 0.3, 0.2, 0.3])] == [False] * 3 + [True]
    assert (stopper.best_epoch, stopper.improved_epoch, stopper.best_fitness) == (3, 1, 0.3)


def test_of_equal_epochs_the_last_is_the_best_and_patience_goes_on_counting():
    stopper = EarlyStopping(patience=4)
    best, ends = [], []
    for epoch, fitness in enumerate([0.5, 1.0, 1.0, 0.9, 1.0, 1.0]):
        ends.append(stopper(epoch, fitness))
        best.append(stopper.best_epoch)
    assert best == [0, 1, 2, 2, 4, 5]
    assert ends == [False] * 5 + [True]


def test_zeros_at_the_start_do_not_count_against_a_training_from_nothing():
    stopper = EarlyStopping(patience=3)
    assert not any(stopper(e, 0.0) for e in range(50))


def test_epochs_without_validation_do_not_stop():
    stopper = EarlyStopping(patience=1)
    stopper(0, 0.5)
    assert not stopper(5, None)


def test_patience_zero_waits_for_ever():
    stopper = EarlyStopping(patience=0)
    assert not any(stopper(e, 1.0 - e / 1000) for e in range(500))


def test_state_continues_counting():
    one = EarlyStopping(patience=3)
    one(0, 0.4)
    two = EarlyStopping(patience=3)
    two.load_state_dict(one.state_dict())
    assert [two(e, 0.1) for e in (1, 2, 3)] == [False, False, True]
    three = EarlyStopping(patience=3)
    three.load_state_dict({"best_fitness": 0.4, "best_epoch": 0})  # of a run of before
    assert [three(e, 0.1) for e in (1, 2, 3)] == [False, False, True]
