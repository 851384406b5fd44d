"""Importing the window reads compiled modules, not their sources."""

from __future__ import annotations

import json
import os
import subprocess
import sys

CODE = """
import json, linecache, sys
import studio.app.studio
ours = [name for name in sys.modules if name.partition(".")[0] == "studio"]
print(json.dumps({"imported": len(ours), "read": sorted(linecache.cache)}))
"""


def test_no_source_is_read_while_the_window_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    found = json.loads(done.stdout)
    assert found["imported"] > 100
    assert not [name for name in found["read"] if "studio" in name.replace("\\", "/").split("/")]
