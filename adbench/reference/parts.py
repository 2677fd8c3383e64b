"""Large results of functions whose outputs each depend on few variables: their elements by parts.

The chosen elements come from a smaller point that holds what they depend on; the signed sums of the
whole result come along series, which need no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from adbench.model import Form, Operator, Pattern, Point
from adbench.reference import vectors
from adbench.reference.balls import ball_namespace
from adbench.reference.inputs import Inputs, inputs
from adbench.reference.sample import Sample

__all__ = ["OPERATORS", "Restrict", "divided"]

Restrict = Callable[[Point, Any], tuple[Point, Any, Any]]
Run = Callable[[Inputs], list[Any]]

OPERATORS = (Operator.JACOBIAN, Operator.VJP)


def divided(
    form: Form, operator: Operator, point: Point, sample: Sample, restrict: Restrict
) -> tuple[Inputs, Run, Run]:
    """The smaller point, what gives the sample's elements there, and what gives the sums at `point`."""
    assert point.pattern is not None, "only sparse Jacobians are certified by parts"
    way = _jacobian if operator is Operator.JACOBIAN else _vjp
    small, run = way(form, point, sample, restrict, point.pattern)
    total = vectors.summed_jacobian if operator is Operator.JACOBIAN else vectors.summed_vjp
    return small, run, lambda at: total(form.build(ball_namespace()), at, sample)


def _jacobian(
    form: Form, point: Point, sample: Sample, restrict: Restrict, pattern: Pattern
) -> tuple[Inputs, Run]:
    chosen = list(sample.elements)
    rows_of, columns_of = pattern.row_of[chosen], pattern.columns[chosen]
    small, rows, columns = restrict(point, np.unique(rows_of))
    i, j = _places(rows, rows_of), _places(columns, columns_of)
    assert small.pattern is not None
    inner = small.pattern
    flat = inner.row_of * inner.shape[1] + inner.columns
    places = _places(flat, i * inner.shape[1] + j).tolist()

    def run(at: Inputs) -> list[Any]:
        f = form.build(ball_namespace())
        whole = vectors.evaluate(f, Operator.JACOBIAN, at, None, inner)
        return [whole[p] for p in places]

    return inputs(small, form, Operator.JACOBIAN), run


def _vjp(
    form: Form, point: Point, sample: Sample, restrict: Restrict, pattern: Pattern
) -> tuple[Inputs, Run]:
    chosen = np.array(sample.elements)
    across = pattern.transposed
    touched = np.unique(
        np.concatenate([across.columns[across.rows[j] : across.rows[j + 1]] for j in chosen])
    )
    small, rows, columns = restrict(point, touched)
    places = _places(columns, chosen).tolist()
    whole = inputs(point, form, Operator.VJP).given[0]
    # outputs of the smaller point that no chosen element depends on count with their own weight: they
    # add nothing to the chosen columns
    weights = [whole[int(i)] for i in np.asarray(rows)]
    centre = replace(inputs(small, form, Operator.VJP), given=(weights,))

    def run(at: Inputs) -> list[Any]:
        f = form.build(ball_namespace())
        found = vectors.evaluate(f, Operator.VJP, at, None, None)
        return [found[p] for p in places]

    return centre, run


def _places(sorted_or_not: Any, wanted: Any) -> Any:
    """Where each wanted number stands."""
    array = np.asarray(sorted_or_not)
    order = np.argsort(array, kind="stable")
    found = order[np.searchsorted(array[order], wanted)]
    assert np.array_equal(array[found], wanted), "restrict left out what it was asked for"
    return found
