import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SAY = "import os; print(os.environ.get('OMP_WAIT_POLICY'))"


def said(program, **variables):
    kept = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**kept, **variables},
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("given", ["ACTIVE", "PASSIVE"])
def test_what_the_person_has_set_stays(given):
    assert said(f"import engine; {SAY}", OMP_WAIT_POLICY=given) == given


def test_waiting_threads_give_their_core_away_where_nothing_else_is_said():
    assert said(f"import engine; {SAY}") == "PASSIVE"
    assert said(f"import engine.runtime.log; {SAY}") == "PASSIVE"
    assert said(f"import studio; import engine; {SAY}") == "PASSIVE"


def test_a_process_that_has_loaded_torch_is_left_alone():
    assert said(f"import torch, engine; {SAY}") == "None"
