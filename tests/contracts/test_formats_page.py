"""The page of formats says what writing and reading really keep."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_formats_is_what_its_script_writes() -> None:
    words = [sys.executable, "-m", "docs.make_formats_table", "--check"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or "run python -m docs.make_formats_table"
