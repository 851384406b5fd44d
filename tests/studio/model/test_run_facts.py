"""What events add up to: facts for a row, curves for the dashboard."""

from __future__ import annotations

from itertools import pairwise

import pytest

from studio.model.run_facts import History, RunFacts, Series


def start(**values: object) -> dict:
    return {"event": "on_pretrain_routine_start", "time": 1.0, "epochs": 4, **values}


def began(start_epoch: int = 1) -> dict:
    return {"event": "on_train_start", "time": 2.0, "epochs": 4, "start_epoch": start_epoch,
            "batches": 10, "images": 80, "val_images": 20, "batch": 8}  # fmt: skip


def batch(epoch: int, number: int, loss: float = 1.0) -> dict:
    return {"event": "on_train_batch_end", "time": 3.0, "epoch": epoch, "batch": number,
            "batches": 10, "losses": {"box_loss": loss}, "images_per_second": 9.5}  # fmt: skip


def epoch(number: int, **values: object) -> dict:
    return {"event": "on_fit_epoch_end", "time": 4.0, "epoch": number,
            "losses": {"train/box_loss": 1.0 / number}, "val_losses": {"box_loss": 2.0},
            "metrics": {"metrics/mAP50(B)": number / 10}, "lr": {"pg0": 0.01},
            "fitness": number / 10, "best_epoch": number, "best_fitness": number / 10,
            "eta_s": 40.0 - number, **values}  # fmt: skip


def test_progress_counts_whole_epochs_and_the_part_of_the_present_one():
    facts = RunFacts()
    facts.add_all([start(), began()])
    assert (facts.progress, facts.images, facts.batch_size) == (0.0, 80, 8)
    facts.add_all([batch(1, 5)])
    assert facts.progress == pytest.approx(0.125)
    facts.add_all([batch(1, 10), epoch(1), batch(2, 10)])
    assert facts.progress == pytest.approx(0.5)
    facts.add(
        {"event": "on_train_end", "time": 9.0, "reason": "early_stopping", "metrics": {"a": 1}}
    )
    assert facts.progress == 1.0
    assert facts.best_metrics == {"a": 1}


def test_a_resume_takes_back_the_end_and_the_error_of_the_attempt_before():
    facts = RunFacts()
    facts.add_all([start(), began(), epoch(1), {"event": "error", "kind": "crash"}])
    facts.add({"event": "on_train_end", "reason": "stopped"})
    assert facts.error
    assert facts.end
    facts.add_all([start(), began(start_epoch=2)])
    assert (facts.error, facts.end, facts.epochs_done) == (None, None, 1)


def test_the_best_metrics_stay_when_later_epochs_are_worse():
    facts = RunFacts()
    facts.add_all([epoch(1), epoch(2), epoch(3, best_epoch=2, best_fitness=0.2, fitness=0.1)])
    assert facts.best_metrics == {"metrics/mAP50(B)": 0.2}
    assert facts.best_epoch == 2


def test_curves_have_batches_inside_epochs_and_take_names_with_or_without_prefix():
    history = History()
    history.add_all([began(), batch(1, 5, 3.0), batch(1, 10, 2.0), epoch(1), batch(2, 5, 1.5)])
    assert history.get("batch/box_loss") == Series([0.5, 1.0, 1.5], [3.0, 2.0, 1.5])
    assert history.get("train/box_loss") == Series([1], [1.0])
    assert history.get("val/box_loss") == Series([1], [2.0])
    assert history.names("lr/") == ["lr/pg0"]
    assert history.get("nothing") == Series()


def test_the_validation_of_the_best_weights_at_the_end_does_not_move_the_last_point():
    history = History()
    history.add_all([epoch(1), epoch(2), epoch(2, fitness=0.9)])
    assert history.get("fitness").y == [0.1, 0.2]


def test_a_resumed_run_overwrites_what_it_does_again():
    history = History()
    history.add_all([began(), batch(1, 10), epoch(1), batch(2, 10), epoch(2), batch(3, 4)])
    history.add_all([began(start_epoch=2), batch(2, 5, 7.0)])
    assert history.get("fitness").x == [1]
    assert history.get("batch/box_loss") == Series([1.0, 1.5], [1.0, 7.0])


def test_values_that_are_no_numbers_are_left_out():
    history = History()
    history.add(epoch(1, fitness=None, images_per_second="fast", memory_mib=True))
    assert (history.get("fitness").x, history.get("speed").x, history.get("memory").x) == (
        [],
        [],
        [],
    )


def test_a_long_curve_stays_short_enough_to_draw_and_keeps_its_order():
    history = History()
    for number in range(1, 2001):
        for part in range(1, 11):
            history.add(batch(number, part, loss=1.0 / number))
    series = history.get("batch/box_loss")
    assert 1000 < len(series.x) <= 4001
    assert all(a < b for a, b in pairwise(series.x))
    assert series.y[-1] < series.y[0]


def test_a_copy_does_not_change_with_its_original():
    history = History()
    history.add(epoch(1))
    twin = history.copy()
    history.add(epoch(2))
    assert (twin.get("fitness").x, history.get("fitness").x) == ([1], [1, 2])
