"""Array duals: products of matrices and linear algebra, to second order, nested and not."""

import numpy as np
import pytest
from dual_array_checks import M, W, judge
from hypothesis import given
from hypothesis import strategies as st

from adbench.dual.numpy import grad, hessian, jacobian

B = np.array([[0.2, 1.0, -1.0], [3.0, 0.1, 0.4]])  # 2 x 3
S = np.stack([M, M.T + 5.0 * np.eye(3)])  # two matrices

PRODUCTS = {
    "dot": lambda x: np.dot(x, W) * np.dot(x, x) + np.dot(W, x * x) * np.dot(x[0], x[1]),
    "dot, many axes": lambda x: np.sum(np.dot(S * x, B.T * x[0]) ** 2) + np.sum(np.dot(S, x) * x)
    + np.sum(np.dot(B * x, S * x)[:, 1] * x),
    "dot, method": lambda x: x.dot(W) * (M * x).dot(x)[1],
    "matmul": lambda x: (M @ x) @ (x @ M) + np.sum(((M * x) @ (M + x)) ** 2),
    "matmul, mixed": lambda x: np.sum(((M * x) @ M) @ (x * x)) + np.sum(x @ (M * x)),
    "matmul, stacks": lambda x: np.sum((S * x) @ (M + x) * x) + np.sum((B * x) @ (S + x) ** 2),
    "matmul, stacks of both": lambda x: np.sum((S * x) @ (S[:, None] + x)) + np.sum(x @ (S * x)),
    "matmul, stack and vector": lambda x: np.sum((S * x) @ x * x) + np.sum((x * x) @ S @ x),
    "vdot": lambda x: np.vdot(x, x * W) * np.vdot(M * x, M),
    "inner": lambda x: np.inner(x, x) + np.sum(np.inner(M * x, B * x) ** 2) + np.inner(x[0], 3.0),
    "outer": lambda x: np.sum(np.outer(x, x * x) * M) + np.sum(np.outer(W, x) ** 2),
    "tensordot": lambda x: np.tensordot(M * x, M + x) * np.sum(np.tensordot(x, x * x, 0) * M)
    + np.sum(np.tensordot(S * x, B * x, ([1], [1])) ** 2),
    "einsum": lambda x: np.einsum("ij,j->i", M * x, x) @ np.einsum("ij,jk,k", M, M * x, x * x),
    "einsum, batch": lambda x: np.sum(np.einsum("...ij,...j->...i", S * x, x * x) ** 2),
    "einsum, trace": lambda x: np.einsum("ii", M * x) * np.einsum("ij->", M * x * x),
    "einsum, three": lambda x: np.sum(np.einsum("i,ij,j->ij", x, M * x, x) ** 2),
    "einsum, implicit dots": lambda x: np.sum(np.einsum("...j,j", S * x, x) ** 2),
    "kron": lambda x: np.sum(np.kron(x, W * x)[2:5] * x) + np.sum(np.kron(B * x, x) ** 2),
    "cross": lambda x: np.cross(x, W) @ np.cross(W, x * x) + np.sum(np.cross(M * x, x) ** 2),
    "convolve": lambda x: np.sum(np.convolve(x, W * x)[1:4] * x) + np.sum(np.convolve(W, x, "same") ** 2),
    "trace": lambda x: np.trace(M * x) * np.trace((M * x) @ M, 1) + (M * x).trace() * x[0],
    "multi_dot": lambda x: np.linalg.multi_dot([x, M * x, W]) ** 2,
    "matrix_power": lambda x: np.sum(np.linalg.matrix_power(M * x, 3) * np.linalg.matrix_power(M, 2))
    + np.sum(np.linalg.matrix_power(M * x, 0) * x) + np.linalg.matrix_power(M * x, 1)[0, 1] ** 2,
    "matrix_power, negative": lambda x: np.sum(np.linalg.matrix_power(M * x, -2) * M),
}  # fmt: skip


def spd(x):
    """A symmetric positive definite matrix."""
    a = M * x
    return a @ a.T + 2.0 * np.eye(3)


LINALG = {
    "inv": lambda x: np.sum(np.linalg.inv(M * x) * M) + np.linalg.inv(spd(x))[0, 1],
    "inv, stack": lambda x: np.sum(np.linalg.inv(S * x) * x),
    "solve": lambda x: np.linalg.solve(M * x, x * x) @ W,
    "solve, plain matrix": lambda x: np.sum(np.linalg.solve(M, x**3) ** 2),
    "solve, plain side": lambda x: np.sum(np.linalg.solve(M * x, W) ** 2),
    "solve, columns": lambda x: np.sum(np.linalg.solve(M * x, B.T * x[0]) ** 2),
    "solve, stack": lambda x: np.sum(np.linalg.solve(S * x, (x * x)[None, :, None])[..., 0] * x)
    + np.sum(np.linalg.solve(S, (M * x)[None]) ** 2),
    "det": lambda x: np.linalg.det(M * x) + np.linalg.det(spd(x)) + np.linalg.det(M + x),
    "det, stack": lambda x: np.sum(np.linalg.det(S * x) ** 2),
    "det, one": lambda x: np.linalg.det(x[:1, None]) ** 2,
    "slogdet": lambda x: np.linalg.slogdet(M * x)[1] * x[0] + np.linalg.slogdet(-spd(x)).sign * x[1],
    "slogdet, stack": lambda x: np.sum(np.linalg.slogdet(S * x * x)[1] ** 2),
    "cholesky": lambda x: np.sum(np.linalg.cholesky(spd(x)) * M),
    "cholesky, lower triangle": lambda x: np.sum(np.linalg.cholesky(4.0 * np.eye(3) + np.outer(x, x * x)) ** 3),
    "cholesky, stack": lambda x: np.sum(np.linalg.cholesky(np.stack([spd(x), spd(2.0 * x)])) * M),
    "norm": lambda x: np.linalg.norm(x) * np.linalg.norm(M * x) + np.linalg.norm(x - 1.0, 1),
    "norm, orders": lambda x: np.linalg.norm(x, np.inf) * np.linalg.norm(x, -np.inf) * np.linalg.norm(x, 3)
    + np.linalg.norm(x, 2) * np.linalg.norm(x, 0),
    "norm, axis": lambda x: np.sum(np.linalg.norm(M * x, axis=1) * x) + np.sum(
        np.linalg.norm(M * x, ord=3, axis=0, keepdims=True) ** 2 * x),
    "norm, matrices": lambda x: np.linalg.norm(M * x, 1) * np.linalg.norm(M * x, np.inf)
    + np.linalg.norm(M * x, "fro") * np.linalg.norm(M * x, -1) + np.sum(np.linalg.norm(S * x, axis=(1, 2))),
    "gaussian likelihood": lambda x: 0.5 * (W - x) @ np.linalg.solve(spd(x), W - x)
    + 0.5 * np.linalg.slogdet(spd(x))[1],
}  # fmt: skip
FEATURES = {**PRODUCTS, **LINALG}


@pytest.mark.parametrize("name", FEATURES)
def test_features_agree_with_differences_to_second_order(name):
    judge(FEATURES[name])


square = st.lists(st.integers(-2, 2).map(float), min_size=9, max_size=9)


@given(square, st.integers(0, 2))
def test_determinants_of_any_matrix_are_differentiated_through_cofactors(elements, twice):
    """Singular ones too, whose derivatives are cofactors like any others."""
    a = np.array(elements).reshape(3, 3)
    a[twice] = a[0]
    rows = [[1, 2], [0, 2], [0, 1]]
    sign = (-1.0) ** np.add.outer(np.arange(3), np.arange(3))
    minors = np.array([[np.linalg.det(a[np.ix_(r, c)]) for c in rows] for r in rows])
    np.testing.assert_allclose(grad(np.linalg.det)(a), sign * minors, atol=1e-11)
    h = hessian(np.linalg.det)(a)
    assert h[0, 0, 1, 1] == pytest.approx(a[2, 2], abs=1e-11)
    assert h[0, 1, 2, 0] == pytest.approx(a[1, 2], abs=1e-11)
    assert h[0, 0, 0, 1] == pytest.approx(0.0, abs=1e-11)


@given(square)
def test_inverse_and_solution_obey_their_equations(elements):
    a = np.array(elements).reshape(3, 3) + 9.0 * np.eye(3)
    zero = jacobian(lambda a: a @ np.linalg.inv(a))(a)
    np.testing.assert_allclose(zero, 0.0, atol=1e-14)
    zero = hessian(lambda a: (a @ np.linalg.solve(a, W))[1])(a)
    np.testing.assert_allclose(zero, 0.0, atol=1e-14)
    logarithm = grad(lambda a: np.linalg.slogdet(a)[1])(a)
    np.testing.assert_allclose(logarithm, np.linalg.inv(a).T, rtol=1e-12, atol=1e-14)
    root = jacobian(lambda a: (lambda root: root @ root.T)(np.linalg.cholesky(a + a.T)))(a)
    twice = jacobian(lambda a: a + a.T)(a)
    np.testing.assert_allclose(root, twice, atol=1e-13)
