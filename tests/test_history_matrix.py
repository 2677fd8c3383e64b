"""Environments with other versions: what is asked of asv, and whether the environments hold it."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("asv", reason="needs asv")
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "history"))
import matrix


def test_each_version_is_one_environment_with_all_other_pins():
    config = matrix.with_versions(matrix.base(), ["jax=0.9.2", "numba==0.67.0"])
    usual = {n: v[0] for n, v in config["matrix"]["req"].items()}
    first, second = (e["req"] for e in config["include"])
    assert first == {**usual, "jax": "0.9.2"} != usual
    assert second == {**usual, "numba": "0.67.0"} != usual
    assert Path(config["benchmark_dir"]).is_absolute()


@pytest.mark.parametrize(
    ("text", "words"), [("jax", "names no version"), ("jaxx=1.0", "asv.conf.json has no 'jaxx'")]
)
def test_what_is_no_version_is_refused(text, words):
    with pytest.raises(SystemExit, match=words):
        matrix.with_versions(matrix.base(), [text])


def test_an_environment_that_holds_another_version_is_found(tmp_path, capsys):
    """Of two environments, with this Python in both: one says what is true of it, one does not."""
    for name, pin in (("true", __import__("numpy").__version__), ("false", "0.0.1")):
        folder = tmp_path / name
        (folder / "bin").mkdir(parents=True)
        start = folder / "bin" / "python"
        start.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        start.chmod(0o755)
        asked = {"requirements": {"pip+numpy": pin, "pip+psutil": ""}}
        (folder / "asv-env-info.json").write_text(json.dumps(asked))
    assert matrix.check(tmp_path) == 1
    said = capsys.readouterr().out
    assert "false: numpy 0.0.1 asked for" in said
    assert "true: numpy" in said


def test_no_environment_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match="no environment"):
        matrix.check(tmp_path)
