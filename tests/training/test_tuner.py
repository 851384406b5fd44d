"""The search for arguments, with real trainings of a second each."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.cfg.schema import TASKS, by_name
from engine.core import tuner as tuner_module
from engine.core.tuner import Tuner
from engine.models.yolo.model import YOLO
from engine.runtime.errors import ConfigError, DatasetError
from engine.training.failures import DivergedError
from engine.training.search_space import (
    DEFAULT_SPACE,
    Span,
    first_values,
    next_values,
    search_space,
)
from engine.training.tune_results import Trial, TuneResults

TINY = {"lr0": (1e-4, 1e-2), "hsv_v": (0.0, 0.9), "close_mosaic": (0, 2)}


def test_every_default_span_lies_within_the_schema():
    for name, span in DEFAULT_SPACE.items():
        argument = by_name[name]
        assert span.low < span.high
        assert argument.low is None or argument.low <= span.low
        assert argument.high is None or span.high <= argument.high
        assert not span.is_log or span.low > 0
        assert span.is_whole == (argument.type == "int")


@pytest.mark.parametrize("task", TASKS)
def test_a_search_changes_what_has_an_effect_in_the_task(task):
    space = search_space(task)
    assert {"lr0", "momentum"} <= set(space)
    assert all(by_name[name].applies_to("train", task) for name in space)
    assert ("pose" in space) == (task == "pose")
    assert ("erasing" in space) == (task == "classify")


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({"lr": (0, 1)}, "lr0"),
        ({"optimizer": (0, 1)}, "no number"),
        ({"erasing": (0, 0.5)}, "no effect"),
        ({"lr0": (0.1, 0.01)}, "smaller number first"),
        ({"lr0": 0.1}, r"\(low, high\)"),
        ({"lr0": (0, float("nan"))}, r"\(low, high\)"),
        ({"mosaic": (-1, 1)}, "below 0"),
        ({"mosaic": (0, 2)}, "above 1"),
        ({}, "argument names"),
    ],
)
def test_a_space_that_cannot_be_is_refused(space, says):
    with pytest.raises(ConfigError, match=says):
        search_space("detect", space)


def test_a_third_number_of_the_field_is_taken():
    assert search_space("detect", {"box": (1.0, 20.0, 0.2)}) == {"box": Span(1.0, 20.0)}


@given(
    st.floats(0, 1),
    st.floats(-30, 30),
    st.sampled_from([Span(0.0, 1.0), Span(1e-5, 0.1, is_log=True), Span(0, 10, is_whole=True)]),
)
def test_steps_stay_inside(value, normal, span):
    stepped = span.step(span.low + value * (span.high - span.low), normal)
    assert span.low <= stepped <= span.high
    assert not span.is_whole or isinstance(stepped, int)


def test_an_argument_at_zero_can_leave_it_and_children_are_new():
    space = {"degrees": Span(0.0, 45.0)}
    generator = np.random.default_rng(0)
    done = [({"degrees": 0.0}, 0.5)]
    for _ in range(20):
        child = next_values(space, done, generator)
        assert child not in [values for values, _ in done]
        done.append((child, 0.1))
    assert len({values["degrees"] for values, _ in done}) == 21


def test_the_search_climbs_a_hill():
    """After the same number of trials it is far nearer to the top than draws from anywhere."""
    space = {f"v{i}": Span(0.0, 1.0) for i in range(12)}

    def fitness(values):
        return -sum((v - 0.8) ** 2 for v in values.values())

    def search(seed):
        generator = np.random.default_rng(seed)
        start = dict.fromkeys(space, 0.5)
        done = [(start, fitness(start))]
        while len(done) < 80:
            child = next_values(space, done, generator)
            done.append((child, fitness(child)))
        return max(score for _, score in done)

    def draws(seed):
        generator = np.random.default_rng(seed)
        return max(fitness({n: s.draw(generator) for n, s in space.items()}) for _ in range(80))

    seeds = range(20)
    assert np.mean([search(s) for s in seeds]) > 0.5 * np.mean([draws(s) for s in seeds])


def test_it_begins_where_a_person_stands():
    space = search_space("detect", TINY)
    assert first_values(space, {"lr0": 0.5}, "detect") == {
        "lr0": 0.01,  # the nearest that the space allows
        "hsv_v": 0.4,
        "close_mosaic": 2,
    }


def test_results_are_read_as_they_were_written(tmp_path):
    results = TuneResults(tmp_path, ("lr0", "box"))
    results.add(Trial(1, 0.25, 1.5, {"lr0": 0.01, "box": 7.5}))
    results.add(Trial(2, None, 0.5, {"lr0": 0.1, "box": 2.0}, 'broken, "badly"'))
    results.add(Trial(3, 0.5, 2.0, {"lr0": 0.02, "box": 3.0}))
    with results.path.open("a") as file:
        file.write("4,0.9,1\n")  # cut off
    again = TuneResults(tmp_path, ("lr0", "box"))
    again.read()
    assert again.trials == results.trials
    assert again.best == results.trials[2]
    assert [t.iteration for t in again.finished] == [1, 3]
    with pytest.raises(ConfigError, match="other arguments"):
        TuneResults(tmp_path, ("lr0",)).read()
    with pytest.raises(ConfigError, match="no search"):
        TuneResults(tmp_path / "none", ("lr0",)).read()


class Trained:
    """A training whose fitness is a formula of its arguments."""

    def __init__(self, given, outcome):
        self.given, self.outcome = given, outcome
        self.fitness, self.metrics = None, {"metrics/mAP50(B)": 0.5}
        self.epochs, self.chosen = 8, frozenset(given)
        self.args = SimpleNamespace(close_mosaic=given.get("close_mosaic", 10))
        self.plan = SimpleNamespace(lr=given.get("lr0", 0.002), momentum=0.9)

    def train(self):
        self.fitness = self.outcome({"hsv_v": 0.4, **self.given})


def make_search(tmp_path, outcome=lambda given: given["hsv_v"], **more):
    given = {"project": str(tmp_path), "epochs": 1}
    return Tuner(given, "detect", lambda told: Trained(told, outcome), TINY, **more)


def test_a_resumed_search_equals_an_uninterrupted_one(tmp_path):
    whole = make_search(tmp_path / "a")
    whole(6)
    make_search(tmp_path / "b")(2)
    resumed = make_search(tmp_path / "b", resume=True)
    resumed(6)
    assert [t.values for t in resumed.results.trials] == [t.values for t in whole.results.trials]
    assert resumed.folder == tmp_path / "b" / "tune"
    named = make_search(tmp_path / "c", resume=str(tmp_path / "b" / "tune"))
    assert len(named.results.trials) == 6
    with pytest.raises(ConfigError, match="no search to go on with"):
        make_search(tmp_path / "d", resume=True)


def test_trainings_that_break_are_rows_and_the_search_goes_on(tmp_path):
    ends = iter([0.4, DivergedError("the loss is not a number."), float("nan"), 0.3, None, 0.5])

    def outcome(given):
        if isinstance(end := next(ends), Exception):
            raise end
        return end

    search = make_search(tmp_path, outcome)
    best = search(6)
    assert [t.fitness for t in search.results.trials] == [0.4, None, None, 0.3, None, 0.5]
    errors = [t.error for t in search.results.trials if t.error]
    assert errors == ["the loss is not a number.", "its fitness is nan", "its fitness is None"]
    assert best == search.results.trials[5].values


def test_what_the_values_cannot_help_ends_the_search(tmp_path):
    def missing(given):
        raise DatasetError("The folder is missing.")

    def diverges(given):
        raise DivergedError("the loss is not a number.")

    with pytest.raises(DatasetError):
        make_search(tmp_path, missing)(3)
    search = make_search(tmp_path, diverges)
    with pytest.raises(ConfigError, match="in a row"):
        search(9)
    assert len(search.results.trials) == tuner_module.MAX_FAILED


def test_the_first_training_is_the_plain_one(tmp_path):
    """Its values are what it settled by itself; what a person gave stays."""
    seen = []
    search = make_search(tmp_path / "a", lambda given: seen.append(given) or 0.5)
    search(2)
    assert set(seen[0]) == {"hsv_v", "project", "epochs", "name", "exist_ok"}
    assert search.results.trials[0].values == {"lr0": 0.002, "hsv_v": 0.4, "close_mosaic": 2}
    assert set(TINY) <= set(seen[1])
    own = Tuner(
        {"project": str(tmp_path / "b"), "lr0": 0.005},
        "detect",
        lambda told: Trained(told, lambda given: given["lr0"]),
        TINY,
    )
    own(1)
    assert own.results.trials[0].values["lr0"] == own.results.trials[0].fitness == 0.005


@pytest.mark.parametrize("iterations", [0, -1, 1.5, True, "many"])
def test_iterations_are_a_number_of_trainings(tmp_path, iterations):
    with pytest.raises(ConfigError, match="iterations"):
        make_search(tmp_path)(iterations)


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_ray_is_refused_before_any_work_where_it_is_missing(tmp_path):
    with pytest.raises(ConfigError, match="pip install 'ray"):
        make_search(tmp_path, use_ray=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("resume", [True])
def test_ray_does_not_go_on_with_a_search(tmp_path, resume):
    with pytest.raises(ConfigError, match="resume"):
        make_search(tmp_path, use_ray=True, resume=resume)


def test_a_search_with_real_trainings(arguments, tiny_task, tmp_path):
    """Three trainings of one epoch: files, the best values used by a training, the network untouched."""
    tiny = tiny_task("detect")
    model = YOLO(tiny["model"])
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    given = {**arguments, **tiny, "epochs": 1, "name": "search", "imgsz": 32}
    given.pop("model")
    best = model.tune(iterations=3, space=TINY, **given)
    folder = tmp_path / "runs" / "search"
    assert set(best) == set(TINY)
    assert all(torch.equal(before[n], v) for n, v in model.model.state_dict().items())
    for name in (
        "best_fitness.png",
        "tune_scatter_plots.png",
        "weights/best.pt",
        "weights/last.pt",
    ):
        assert (folder / name).stat().st_size > 1000
    with (folder / "tune_results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["iteration"] for row in rows] == ["1", "2", "3"]
    assert len({row["lr0"] + row["hsv_v"] for row in rows}) == 3
    runs = sorted(path.name for path in (folder / "runs").iterdir())
    assert runs == ["0001", "0002", "0003"]
    assert not list((folder / "runs").rglob("*.pt"))
    assert YOLO(folder / "weights" / "best.pt").task == "detect"
    again = {**given, "name": "again", "cfg": str(folder / "best_hyperparameters.yaml")}
    model.train(**again)
    assert {name: model.trainer.args.get(name) for name in TINY} == pytest.approx(best)


def test_a_search_by_ray(arguments, tiny_task, monkeypatch):
    """Not installed with the tests: it is large, and starting its processes takes half a minute."""
    ray = pytest.importorskip("ray", reason="ray is an extra (cluster) of 80 MB")
    tiny = tiny_task("detect")
    monkeypatch.chdir(Path(tiny["data"]).parent)
    given = {**arguments, "data": "data.yaml", "epochs": 1, "imgsz": 32, "workers": 0}
    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=10**8)
    try:
        found = YOLO(tiny["model"]).tune(use_ray=True, iterations=2, space=TINY, **given)
    finally:
        ray.shutdown()
    assert (len(found), found.num_errors) == (2, 0)
    assert set(found.get_best_result().config) == set(TINY)
    runs = Path(arguments["project"]) / "run" / "runs"
    assert len(list(runs.glob("*/weights/best.pt"))) == 2
