"""`python -m engine.distributed.rank`: one of the further processes of a training on several devices.

The first process starts it (`engine.training.ranks`) and tells it on its standard input, as one line of JSON:

    trainer      module:name of the trainer's class
    main         the script whose own class it is, else null
    arguments    all arguments of the run
    chosen       which of them are a person's wish
    description  what the network is built from, null where the arguments say it
    path, argv   where Python looks for modules, and the words after the script's name
    parent       the first process's number
    port, size   where the processes meet, and how many they are
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import psutil
import torch.distributed as dist

from engine.core.together import importing_script
from engine.core.trainer import BaseTrainer
from engine.runtime.dist import rank
from engine.training.ranks import arrive, join_store, tell_failure

DONE, FAILED, ORPHANED = 0, 1, 3
_LOOK_S = 0.5
_MAIN = "__mp_main__"  # the name under which multiprocessing, too, imports the script of another process


def main() -> int:
    """Do the job on the standard input; give the exit code."""
    job = json.loads(sys.stdin.readline())
    sys.path[:], sys.argv[:] = job["path"], job["argv"]
    leave_with(int(job["parent"]))
    store = join_store(int(job["port"]), int(job["size"]))
    try:
        trainer = build_trainer(job)
        trainer.together.store = store
        arrive(store, rank())
        trainer.train()
    except BaseException as error:
        _tell(store, error)
        raise
    return DONE


def build_trainer(job: Mapping[str, Any]) -> BaseTrainer:
    """Build the trainer that a job is about."""
    module, _, name = str(job["trainer"]).partition(":")
    if job["main"]:
        with importing_script():
            found: Any = runpy.run_path(job["main"], run_name=_MAIN)[name]
    else:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    trainer: BaseTrainer = found(overrides=job["arguments"])
    trainer.chosen = frozenset(job["chosen"])
    if job["description"] is not None:
        trainer.model_source = (
            job["description"],
            None,
        )  # the first process hands its weights over
    return trainer


def leave_with(parent: int) -> None:
    """End this process when another one is no more."""
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    # On POSIX an orphan gets another parent, on Windows the number of its parent is free again.
    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(_LOOK_S)
    os._exit(ORPHANED)


def _tell(store: dist.Store, error: BaseException) -> None:
    try:
        tell_failure(store, rank(), error)
    except (
        RuntimeError
    ):  # the first process, where the store is, has gone: nobody is left to be told
        sys.exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main())
