"""References that come with the package: they hold what they promise, and are those of these texts."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adbench import registry
from adbench.model import Operator, Problem, size_text
from adbench.reference import cache, sample, shipped, traits, truth
from adbench.reference.record import Reference
from adbench.reference.sample import sample_of
from adbench.reference.truth import certified, key_of, reference

FOLDER = Path(shipped.__file__).parent / "shipped"
PROBLEMS = registry.problems()
# Texts that are certified again in about a second: operations.
RECOMPUTED = 20_000
FIELDS = ("key", "shape", "bits", "pointwise", "elements", "digits")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Nothing is read from the user's cache, nor from what another test asked."""
    monkeypatch.setenv("ADBENCH_CACHE", str(tmp_path / "cache"))
    cache.forget()
    shipped._file.cache_clear()
    yield tmp_path / "cache"
    cache.forget()
    shipped._file.cache_clear()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder that stands for the package's: what is put there is what is shipped."""
    (tmp_path / "shipped").mkdir()
    monkeypatch.setattr(shipped.resources, "files", lambda package: tmp_path)
    return tmp_path / "shipped"


def made(n: int, key: str = "k", sums: int = 0, seed: int = 1, **options: Any) -> Reference:
    """A reference of random numbers of every size and both signs; some sensitivities are 0."""
    rng = np.random.default_rng(seed)
    hi = rng.standard_normal(n) * 10.0 ** rng.integers(-30, 30, n)
    lo = hi * 2.0**-54 * rng.uniform(-1.0, 1.0, n)
    sensitivity = np.abs(hi) * 10.0 ** rng.integers(-3, 9, n)
    sensitivity[::7] = 0.0
    totals = rng.standard_normal((3, sums))
    return Reference(
        key, (n,), hi, lo, sensitivity, bits=320,
        sums_hi=totals[0], sums_lo=totals[1] * 2.0**-54, sums_sensitivity=np.abs(totals[2]), **options,
    )  # fmt: skip


def loaded(folder: Path, *references: Reference) -> list[Reference]:
    (folder / "mine.npz").write_bytes(shipped.packed([(r, 1.5) for r in references]))
    shipped._file.cache_clear()
    found = [shipped.load("mine", r.key) for r in references]
    assert all(r is not None for r in found)
    return [r for r in found if r is not None]


# ------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("n", [1, 10, shipped.WHOLE])
@pytest.mark.parametrize("sums", [0, 8])
def test_results_of_up_to_a_thousand_numbers_come_back_bit_by_bit(elsewhere, n, sums):
    r = made(n, sums=sums)
    (back,) = loaded(elsewhere, r)
    for name in FIELDS:
        assert getattr(back, name) == getattr(r, name), name
    for name in ("hi", "lo", "sensitivity", *shipped.SUMS):
        assert getattr(back, name).tolist() == getattr(r, name).tolist(), name
    assert back.digits == 31


def test_samples_and_batches_keep_their_places(elsewhere):
    r = replace(made(3), shape=(9,), elements=(0, 4, 8), pointwise=True)
    (back,) = loaded(elsewhere, r)
    assert (back.elements, back.shape, back.pointwise) == ((0, 4, 8), (9,), True)


def test_larger_results_are_kept_to_what_is_promised(elsewhere):
    """First halves and sums exactly; second ones to 2^-16 of their last place, 20 digits in all;
    sensitivities to 1 %, never too small, and 0 where nothing moves.
    """
    r = made(shipped.WHOLE + 500, sums=8)
    (back,) = loaded(elsewhere, r)
    assert back.hi.tolist() == r.hi.tolist()
    for name in shipped.SUMS:
        assert getattr(back, name).tolist() == getattr(r, name).tolist()
    assert np.max(np.abs(back.lo - r.lo) / np.spacing(np.abs(r.hi))) <= 2.0**-16
    assert np.any(back.lo != r.lo)
    assert back.digits == 20
    there = r.sensitivity > 0.0
    ratio = back.sensitivity[there] / r.sensitivity[there]
    assert 1.0 - 1e-12 <= np.min(ratio) <= np.max(ratio) <= 1.011
    assert not np.any(back.sensitivity[~there])
    for a, b, c, d in zip(back.hi, back.lo, r.hi, r.lo, strict=True):
        one, two = Fraction(float(a)) + Fraction(float(b)), Fraction(float(c)) + Fraction(float(d))
        assert abs(one - two) <= abs(two) / 10**20


@pytest.mark.parametrize("hi", [0.0, 5e-324, 1e-310, -1e300, 2.0**60])
def test_extreme_numbers_come_back_from_short_records(elsewhere, hi):
    """Zeros, subnormals and huge numbers have last places too."""
    n = shipped.WHOLE + 1
    lo = 0.25 * np.spacing(np.abs(hi))
    r = Reference("k", (n,), np.full(n, hi), np.full(n, lo), np.ones(n), bits=160)
    (back,) = loaded(elsewhere, r)
    assert back.hi.tolist() == r.hi.tolist()
    assert np.all(np.isfinite(back.lo))
    assert np.max(np.abs(back.lo - r.lo)) <= np.spacing(np.abs(hi)) * 2.0**-16


def test_a_file_holds_many_references_each_under_its_key(elsewhere):
    one, two, three = made(3, "one"), made(2_000, "two", seed=2), made(5, "three", sums=8, seed=3)
    back = loaded(elsewhere, one, two, three)
    assert [r.key for r in back] == ["one", "two", "three"]
    for r, b in zip((one, two, three), back, strict=True):
        assert b.hi.tolist() == r.hi.tolist()
    assert shipped.load("mine", "four") is None


def test_the_same_references_make_the_same_file():
    """Byte by byte: a second run changes nothing that version control would see."""
    assert shipped.packed([(made(20), 1.5), (made(3, "x"), 2.0)]) == shipped.packed(
        [(made(20), 1.5), (made(3, "x"), 2.0)]
    )


# ----------------------------------------------------------------------------- damaged, or not there


def damaged(how: Any, data: bytes) -> bytes:
    if how == "half":
        return data[: len(data) // 2]
    if how == "flipped":  # bytes inside the first record, whose name stays
        return data[:60] + bytes(255 - b for b in data[60:120]) + data[120:]
    if how == "foreign":  # an archive of arrays, but none of ours
        file = io.BytesIO()
        np.savez(file, hi0=np.ones(2))
        return file.getvalue()
    return how


@pytest.mark.parametrize("damage", [b"", b"no archive", "half", "flipped", "foreign", None])
def test_a_damaged_or_missing_file_is_no_file(elsewhere, damage):
    """The reference is then certified here."""
    problem = PROBLEMS["rosenbrock"]
    point = problem.at(2)
    r = reference(problem.reference, Operator.GRADIENT, point)
    data = shipped.packed([(r, 1.5)])
    path = elsewhere / "rosenbrock.npz"
    if damage is not None:
        path.write_bytes(damaged(damage, data))
    assert shipped.load("rosenbrock", r.key) is None
    cache.forget()
    again = certified(problem, 2, Operator.GRADIENT, point)
    assert again.hi.tolist() == r.hi.tolist()


def lie(n: int, key: str, shape: tuple[int, ...]) -> Reference:
    return Reference(key, shape, np.full(n, 77.0), np.zeros(n), np.ones(n), bits=160)


def test_what_is_shipped_is_taken_and_only_under_its_own_key(elsewhere, own_cache):
    """A changed text finds nothing; a form that is no problem's asks for nothing."""
    problem = PROBLEMS["rosenbrock"]
    point = problem.at(2)
    key = key_of(problem.reference, Operator.GRADIENT, point, None)
    (elsewhere / "rosenbrock.npz").write_bytes(shipped.packed([(lie(2, key, (2,)), 1.5)]))
    taken = certified(problem, 2, Operator.GRADIENT, point)
    assert taken.hi.tolist() == [77.0, 77.0]
    # weights are not in the file: they follow from the point
    assert taken.weights.tolist() == np.maximum(np.abs(point.x), 1.0).tolist()
    # what comes with the package needs no copy in the cache
    assert not list(own_cache.glob("*"))
    cache.forget()
    assert reference(problem.reference, Operator.GRADIENT, point).hi.tolist() != [77.0, 77.0]
    changed = replace(problem, forms=PROBLEMS["speelpenning"].forms)
    cache.forget()
    assert certified(changed, 2, Operator.GRADIENT, point).hi.tolist() != [77.0, 77.0]
    cache.forget()
    other = certified(problem, 2, Operator.GRADIENT, replace(point, x=point.x + 1.0))
    assert other.hi.tolist() != [77.0, 77.0]


def test_references_of_another_version_are_not_taken(elsewhere, monkeypatch):
    problem = PROBLEMS["rosenbrock"]
    point = problem.at(2)
    key = key_of(problem.reference, Operator.GRADIENT, point, None)
    (elsewhere / "rosenbrock.npz").write_bytes(shipped.packed([(lie(2, key, (2,)), 1.5)]))
    monkeypatch.setattr(truth, "VERSION", truth.VERSION + 1)
    assert certified(problem, 2, Operator.GRADIENT, point).hi.tolist() != [77.0, 77.0]


def test_a_shipped_sample_knows_what_it_is_a_sample_of(elsewhere, monkeypatch):
    """Elements and sums are judged as if certified here."""
    monkeypatch.setattr(sample, "SAMPLE_ABOVE", 50)
    monkeypatch.setattr(sample, "ELEMENTS", 20)
    problem = PROBLEMS["rosenbrock"]
    point = problem.at(100)
    here = reference(problem.reference, Operator.GRADIENT, point)
    (elsewhere / "rosenbrock.npz").write_bytes(shipped.packed([(here, 1.5)]))
    cache.forget()
    monkeypatch.setattr(truth, "_certified", None)  # nothing may be computed
    monkeypatch.setattr(cache, "_read", lambda key: None)
    there = certified(problem, 100, Operator.GRADIENT, point)
    assert there.sums_hi.tolist() == here.sums_hi.tolist()
    assert there.weights.tolist() == here.weights.tolist()
    assert there.sample.elements == here.sample.elements == there.elements
    assert there.sample.sums == 8


# ------------------------------------------------------------------------------- what is shipped now


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_every_problem_has_a_file_of_its_present_text(problem):
    """Not larger than is allowed; else: nox -s references."""
    path = FOLDER / f"{problem.name}.npz"
    assert path.is_file()
    assert path.stat().st_size <= shipped.LIMIT_BYTES == 200_000
    assert kept_of(problem), "no reference of this text is shipped"


def test_nothing_else_is_shipped():
    """No file of a problem that is gone, and traits beside them."""
    assert {p.name for p in FOLDER.iterdir()} == {*(f"{n}.npz" for n in PROBLEMS), "traits.json"}


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_every_key_in_a_file_is_one_that_is_asked_for(problem):
    """No dead weight: keys of older texts, inputs or versions would only take room."""
    with np.load(io.BytesIO((FOLDER / f"{problem.name}.npz").read_bytes())) as file:
        about = json.loads(str(file["about"]))
    assert set(about) <= {key for key, _, _ in cells(problem)}
    for key, entry in about.items():
        assert entry["digits"] in (20, 31), key


def cells(problem: Problem) -> list[tuple[str, Any, Operator]]:
    """Key, size and operator of each result that is certified by itself."""
    return _cells(problem.name)


@lru_cache(maxsize=64)
def _cells(name: str) -> list[tuple[str, Any, Operator]]:
    problem, found = PROBLEMS[name], []
    for size in problem.sizes:
        point = problem.at(size)
        for operator in problem.operators:
            if operator is Operator.VALUE_AND_GRADIENT or not problem.offers(
                operator, len(point.x)
            ):
                continue
            closed = problem.exact.get(operator) if size in problem.closed else None
            part = sample_of(problem.reference, operator, point)
            key = key_of(problem.reference, operator, point, part, closed)
            found.append((key, size, operator))
    return found


def kept_of(problem: Problem) -> list[tuple[Any, Operator]]:
    return [(s, o) for key, s, o in cells(problem) if shipped.load(problem.name, key) is not None]


def recomputed() -> list[Any]:
    """For each problem, results of sizes with few operations: values where there are such, and what
    costs more where a file holds it.
    """
    found = []
    for problem in PROBLEMS.values():
        for size in problem.sizes[:2]:
            known = traits.traits(problem, size)
            if known is not None and known.operations <= RECOMPUTED:
                found.append(pytest.param(problem, size, id=f"{problem.name}[{size_text(size)}]"))
                break
    return found


@pytest.mark.parametrize(("problem", "size"), recomputed())
def test_what_is_shipped_is_what_is_certified_here(problem, size):
    """Every operator of a small size: first halves bit by bit, the rest to the promised digits."""
    point = problem.at(size)
    compared = 0
    for key, at, operator in cells(problem):
        kept = shipped.load(problem.name, key) if at == size else None
        if kept is None or (kept.hi.size > 2_000 and operator is not Operator.GRADIENT):
            continue
        closed = problem.exact.get(operator) if size in problem.closed else None
        here = reference(
            problem.reference, operator, point, closed=closed, restrict=problem.restrict
        )
        assert (here.key, here.shape, here.elements) == (key, kept.shape, kept.elements)
        assert kept.hi.tolist() == here.hi.tolist()
        error = np.abs(kept.lo - here.lo)
        allowed = 0.0 if kept.digits == 31 else 2.0**-16 * np.spacing(np.abs(here.hi))
        assert np.all(error <= allowed)
        assert np.all(kept.sensitivity >= here.sensitivity * (1.0 - 1e-12))
        assert np.all(kept.sensitivity <= here.sensitivity * 1.011)
        compared += 1
    if not kept_of(problem):
        pytest.fail(f"no reference of {problem.name} is shipped: nox -s references")
    assert compared or all(s != size for s, _ in kept_of(problem))
