"""Array duals for whole-array NumPy code (vector mode); the door for users.

Functions to differentiate may use arithmetic, indexing of all kinds, writing in place (``y[i] = ...``,
``y += x``: make y with ``np.zeros_like(x)``, where x is a variable), and these of NumPy and SciPy:

Element by element
    `add`, `subtract`, `multiply`, `divide`, `power`, `float_power`, `square`, `reciprocal`, `negative`,
    `positive`, `conjugate`, `absolute`, `fabs`, `copysign`, `remainder`, `fmod`, `floor_divide`,
    `divmod`, `modf`, `ldexp`, `exp`, `exp2`, `expm1`, `log`, `log2`, `log10`, `log1p`, `logaddexp`,
    `logaddexp2`, `sqrt`, `cbrt`, `sin`, `cos`, `tan`, `arcsin`, `arccos`, `arctan`, `arctan2`, `sinh`,
    `cosh`, `tanh`, `arcsinh`, `arccosh`, `arctanh`, `hypot`, `deg2rad`, `radians`, `rad2deg`,
    `degrees`, `maximum`, `minimum`, `fmax`, `fmin`, `clip`, `where`, `select`, `nan_to_num`, `real`,
    `imag`; of scipy.special `erf`, `erfc`, `gammaln`, `psi`, `expit`, `log_expit`, `logit`, `ndtr`.
Steps and questions, of values alone
    comparisons (`less`, `less_equal`, `greater`, `greater_equal`, `equal`, `not_equal`), `floor`,
    `ceil`, `rint`, `trunc`, `fix`, `round`, `sign`, `signbit`, `heaviside`, `isnan`, `isinf`,
    `isfinite`, `isneginf`, `isposinf`, `isclose`, `allclose`, `array_equal`, `any`, `all`,
    `logical_and`, `logical_or`, `logical_xor`, `logical_not`, `shape`, `ndim`, `size`, `argmax`,
    `argmin`, `nanargmax`, `nanargmin`, `argsort`, `argpartition`, `argwhere`, `nonzero`,
    `flatnonzero`, `count_nonzero`, `searchsorted`, `digitize`, `iscomplexobj`, `isrealobj`,
    `shares_memory`, `may_share_memory`.
Along axes
    `sum`, `mean`, `average`, `var`, `std`, `nansum`, `nanmean`, `prod`, `cumsum`, `cumprod`, `max`,
    `min`, `ptp`, `sort`, `partition`, `median`, `quantile`, `percentile`, `diff`, `ediff1d`,
    `gradient`, `trapezoid`, `interp`, `bincount`, `polyval`; ``reduce`` and ``accumulate`` of `add`,
    `multiply`, `maximum` and `minimum`, ``np.logaddexp.reduce``, ``np.add.at`` and every ``outer``.
Shapes
    `reshape`, `ravel`, `transpose`, `swapaxes`, `moveaxis`, `rollaxis`, `matrix_transpose`, `squeeze`,
    `expand_dims`, `broadcast_to`, `broadcast_arrays`, `atleast_1d`, `atleast_2d`, `atleast_3d`,
    `flip`, `fliplr`, `flipud`, `rot90`, `roll`, `repeat`, `tile`, `resize`, `pad`, `concatenate`,
    `stack`, `hstack`, `vstack`, `dstack`, `column_stack`, `append`, `delete`, `split`, `array_split`,
    `hsplit`, `vsplit`, `dsplit`, `take`, `take_along_axis`, `put_along_axis`, `compress`, `extract`,
    `diag`, `diagflat`, `diagonal`, `fill_diagonal`, `tril`, `triu`, `meshgrid`, `linspace`, `copy`,
    `copyto`, `zeros_like`, `empty_like`, `ones_like`, `full_like`; ``like=x`` of np.zeros, np.ones,
    np.empty, np.full, np.array and np.asarray.
Products and linear algebra
    `dot`, `vdot`, `inner`, `outer`, `matmul`, `matvec`, `vecmat`, `vecdot`, `tensordot`, `einsum`,
    `kron`, `cross`, `convolve`, `trace`; of np.linalg `solve`, `inv`, `det`, `slogdet`, `cholesky`,
    `norm`, `vector_norm`, `matrix_norm`, `matrix_power`, `multi_dot`. Not eigenvalues (`eig`, `eigh`,
    `eigvals`, `eigvalsh`), `svd`, `qr`, `lstsq`, `pinv`, `matrix_rank`, `cond`.

Anything else raises a TypeError that names it.

Where there is a choice: of equal elements the first has the derivative of a maximum, minimum, sort or
median; `interp` has the slope of the interval to the right, and `cholesky` looks at the lower triangle
only, as NumPy's do; a norm of zero has slope 0. Functions are given copies of their variables, so
that writing to them leaves the caller's alone.

``drivers`` is what users call. ``array_type`` is the array dual itself, ``seeds`` the pass
that made it, ``calls`` how functions are called, ``blocks`` slopes times tangents, ``layout`` how its derivatives
lie in memory, and ``memory`` what happens when it is written to. ``arithmetic`` reads the rule table;
``elementwise``, ``shapes``, ``joining``, ``reductions``, ``ordering``, ``products`` and ``linalg`` are
the NumPy functions it offers. ``trees`` takes arguments apart, ``passes`` runs the function.
"""

from adbench.dual.numpy import (
    arithmetic,
    elementwise,
    joining,
    linalg,
    ordering,
    products,
    reductions,
    shapes,
)
from adbench.dual.numpy.array_type import DualArray
from adbench.dual.numpy.drivers import (
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)

# importing these modules has filled the tables of the array dual
_TABLES = (arithmetic, elementwise, joining, linalg, ordering, products, reductions, shapes)

__all__ = [
    "DualArray", "derivative", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp",
]  # fmt: skip
