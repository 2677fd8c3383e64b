"""Answers that tools are known to get wrong at a problem's first size, and why; knows no test.

Tools stand here with their own settings, which suit most functions and not all. Such a row says "wrong"
with both numbers; what it must not do is to become right without anybody noticing: then its line here has
to go.
"""

from adbench.model import Method, Operator, Outcome, Problem

KINKS = "points of k-means lie so near to two centres that a step changes the nearest one"
LONG = (
    "a first step of a quarter of the variable (or of 1/4) is long for this function; jacobi's own"
)
LONG += " estimate of the error, which stands beside the derivative, says so"
HALF = "a first step of 0.5, SciPy's default, is long for this function, or leaves its domain"
GRADIENTS = (Operator.GRADIENT, Operator.VALUE_AND_GRADIENT)

WRONG: dict[str, dict[str, tuple[tuple[Operator, ...], str]]] = {
    "findiff-coefficients": {"kmeans": (GRADIENTS, KINKS)},
    "jacobi-jacobi": {
        "ba": ((Operator.JVP,), LONG),
        "damped_sine": ((Operator.DERIVATIVE,), LONG),
        "escape": ((Operator.DERIVATIVE,), LONG),
        "kmeans": (GRADIENTS, KINKS),
        "logistic_map": ((Operator.DERIVATIVE,), LONG),
        "lotka_volterra_residuals": ((Operator.JACOBIAN,), LONG),
    },
    "numpy-fourth": {"kmeans": (GRADIENTS, KINKS)},
    "scipy-differentiate": {
        "helmholtz": ((*GRADIENTS, Operator.HESSIAN), HALF),
        "kmeans": (GRADIENTS, KINKS),
        "lotka_volterra_residuals": ((Operator.JACOBIAN,), HALF),
    },
    "scipy-differentiate-scaled": {"kmeans": (GRADIENTS, KINKS)},
}


def expected(method: Method, problem: Problem, operator: Operator) -> tuple[Outcome, ...]:
    """The outcomes of which one is due at the first size."""
    operators, _ = WRONG.get(method.name, {}).get(problem.name, ((), ""))
    return (Outcome.WRONG, Outcome.NAN) if operator in operators else (Outcome.OK,)
