from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Logging is set up once for a process, so each case gets its own."""
    return subprocess.run(
        [sys.executable, "-c", f"from engine.runtime.log import *\n{code}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_library_tells_only_warnings_until_asked():
    assert run("LOGGER.info('a'); LOGGER.warning('b')").stderr == "b\n"


def test_show_log_twice_shows_once_and_changes_the_level():
    done = run(
        "show_log(); show_log(); LOGGER.info('a'); show_log(30); LOGGER.info('b'); LOGGER.warning('c')"
    )
    assert (done.stdout, done.stderr) == ("", "a\nc\n")


def test_redirected_stderr_is_obeyed():
    code = (
        "import contextlib, io; show_log(); b = io.StringIO()\nwith contextlib.redirect_stderr(b): "
    )
    done = run(code + "LOGGER.info('inside')\nprint(b.getvalue(), end='')")
    assert (done.stdout, done.stderr) == ("inside\n", "")


def test_shown_by_default_unless_the_program_set_up_logging():
    assert run("show_log_by_default(); LOGGER.info('a')").stderr == "a\n"
    configured = (
        "import logging, sys; logging.basicConfig(stream=sys.stdout, format='own %(message)s')\n"
    )
    done = run(configured + "show_log_by_default(); LOGGER.warning('a')")
    assert (done.stdout, done.stderr) == ("own a\n", "")


def test_file_keeps_times_and_what_the_screen_does_not(tmp_path):
    file = tmp_path / "logs" / "engine.log"
    done = run(
        f"from pathlib import Path; show_log(30); log_to_file(Path({str(file)!r})); LOGGER.info('quiet')"
    )
    assert done.stderr == ""
    assert file.read_text().endswith("INFO quiet\n")
