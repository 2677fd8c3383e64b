"""What a worker's tools write goes to a folder of the worker's, and goes with it."""

from pathlib import Path

import psutil

from adbench.harness import process
from adbench.harness.process import Worker


def test_a_worker_has_a_folder_of_its_own_until_it_ends() -> None:
    worker = Worker(None)
    try:
        worker.kernel()
        assert worker.process is not None
        environment = psutil.Process(worker.process.pid).environ()
        folder = Path(environment["TMPDIR"])
        assert folder.is_dir()
        (folder / "left").mkdir()
        (folder / "left" / "file").write_text("of a process that was killed")
        assert environment["PYTENSOR_FLAGS"] == f"base_compiledir={folder / 'pytensor'}"
    finally:
        worker.end()
    assert not folder.exists()


def test_what_else_a_user_asks_of_pytensor_is_kept() -> None:
    made = process._own_folder({"PYTENSOR_FLAGS": "blas__ldflags=-lblas"}, "/own")
    expected = f"blas__ldflags=-lblas,base_compiledir={Path('/own/pytensor')}"
    assert made["PYTENSOR_FLAGS"] == expected


def test_a_folder_for_a_warm_start_is_left_alone() -> None:
    """What a user's own variable names never gets here: `worker_environment` drops it."""
    made = process._own_folder({"PYTENSOR_FLAGS": "base_compiledir=/cache"}, "/own")
    assert made == dict.fromkeys(("TMPDIR", "TEMP", "TMP"), "/own")
