import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runtime.waiting import CHOSEN, SLEEP, SPIN, VARIABLE, busy_elsewhere, waiting_for

ROOT = Path(__file__).resolve().parents[3]
NAMES = sorted({*SPIN, *SLEEP, CHOSEN})
SAY = (
    f"import json, os; print(json.dumps({{n: os.environ[n] for n in {NAMES} if n in os.environ}}))"
)


def said(program, **variables):
    kept = {k: v for k, v in os.environ.items() if k not in NAMES}
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; {SAY}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**kept, **variables},
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "given", [{VARIABLE: "ACTIVE"}, {VARIABLE: "PASSIVE"}, {"GOMP_SPINCOUNT": "7"}]
)
def test_what_the_person_has_set_stays(given):
    assert said("import engine", **given) == given


@pytest.mark.parametrize("program", ["import engine.runtime.log", "import studio; import engine"])
def test_one_of_the_two_ways_is_chosen_and_named(program):
    chosen = said(program)
    policy = chosen.pop(CHOSEN)
    assert chosen == dict({"ACTIVE": SPIN, "PASSIVE": SLEEP}[policy])


@pytest.mark.parametrize("parent", [SPIN, SLEEP])
def test_a_child_chooses_again(parent):
    busy = "import engine.runtime.waiting as w; import os"
    again = "w.busy_elsewhere = lambda: {}; w.choose_how_threads_wait()"
    for running, expected in ((0, SPIN), (3, SLEEP)):
        found = said(f"{busy}; {again.format(running)}", **parent, **{CHOSEN: parent[VARIABLE]})
        assert found == {**expected, CHOSEN: expected[VARIABLE]}


def test_threads_look_again_only_where_nothing_else_runs():
    assert waiting_for(0) == SPIN
    assert waiting_for(1) == SLEEP
    assert waiting_for(None) == SLEEP


def test_the_reader_itself_is_not_counted(tmp_path):
    load = tmp_path / "loadavg"
    load.write_text("0.50 0.40 0.30 3/120 4711\n")
    assert busy_elsewhere(load) == 2
    load.write_text("0.50 0.40 0.30 1/120 4711\n")
    assert busy_elsewhere(load) == 0


@pytest.mark.parametrize("text", ["", "nothing of use here\n", None])
def test_where_nobody_counts_it_is_unknown(tmp_path, text):
    load = tmp_path / "loadavg"
    if text is not None:
        load.write_text(text)
    assert busy_elsewhere(load) is None


def test_a_process_that_has_loaded_torch_is_left_alone():
    assert said("import torch, engine") == {}
