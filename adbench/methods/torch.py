"""PyTorch as its manual has you use it: functions of tensors, transformed by ``torch.func``.

Each mode runs f eagerly, in Python, operation by operation. `torch-backward` is the older door,
``requires_grad`` and ``torch.autograd.grad``; `torch-compile` hands the transformed function to
``torch.compile``, which captures it in one graph, without breaks (``fullgraph``), for the shapes of its
arguments (``dynamic=False``), and compiles it to C++ with the system's compiler.

x and data are tensors on the CPU, float64 as they come, made in `encode`; a call on the CPU is complete
when it returns. Three things hold for the whole process, since PyTorch knows no narrower place:

- ``torch.set_default_dtype(torch.float64)``, without which a tensor of whole numbers divided by a
  number has 32 bits. Every method of this tool wants it, no other tool reads it.
- The number of threads, which nobody here sets: PyTorch reads OMP_NUM_THREADS when it is imported,
  which a benchmark's worker sets; elsewhere ``torch.set_num_threads(1)`` would be the whole process's.
- For `torch-compile`, which therefore has a process of its own: caches of compiled code, in memory and
  in the temporary directory, are off, so that compiling is compiling, unless TORCHINDUCTOR_CACHE_DIR
  names a folder for them; and it compiles in its own
  process (``compile_threads`` 1), so that no child of it computes beside what is measured. The limits
  of compilations per function, meant against functions compiled anew in every call, are lifted.

`prepare` builds the function; ``compile()`` calls it once, as PyTorch (2.13) compiles by no other way.
Loops of Python are unrolled into the graph: of thousands of operations it compiles for minutes. NumPy's
functions in a text are replayed by PyTorch's own, of which (2.13) ``i[np.triu_indices(n, 1)] = ...``
writes to other places without a word: a text whose indices are made so is judged wrong.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adbench.methods._shared import OPERATORS, SECOND, chosen, deliver, joined
from adbench.methods._torch_ways import BACKWARD, FORWARD, MIXED, REVERSE, Mode
from adbench.methods._torch_words import words
from adbench.model import Form, Method, Operator, Point, Prepared, given

Function = Callable[..., Any]
# PyTorch's own variable; where it is set, caches of compiled code are wanted.
FOLDER = "TORCHINDUCTOR_CACHE_DIR"


def _encode(records: bool, operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments of a call as tensors of the same dtypes; plain numbers stay plain."""
    import torch

    x, data = point.fresh()
    given_too = tuple(map(torch.from_numpy, given(operator, point)))
    tensors = tuple(torch.from_numpy(d) if isinstance(d, np.ndarray) else d for d in data)
    return (torch.from_numpy(x).requires_grad_(records), *given_too, *tensors)


def _decode(deliver: Function, result: Any) -> Any:
    """The result as NumPy arrays; raises RuntimeError where a number lost half of its bits."""
    import torch

    pair = isinstance(result, tuple)
    found = tuple(torch.as_tensor(part).detach() for part in (result if pair else (result,)))
    for part in found:
        if part.dtype is not torch.float64:
            raise RuntimeError(
                f"PyTorch computed in {part.dtype}, not in float64: the text makes such numbers, or "
                "torch.set_default_dtype was called after the method was prepared; do neither"
            )
    return deliver(tuple(p.numpy() for p in found) if pair else found[0].numpy())


def _prepare(mode: Mode, form: Form, operator: Operator, point: Point) -> Prepared:
    way = _way(mode, form, operator, point)
    encode = partial(_encode, mode.records and operator is not Operator.VALUE, operator)
    return Prepared(way, encode, partial(_decode, deliver(form, operator, point)))


def _prepare_compiled(mode: Mode, form: Form, operator: Operator, point: Point) -> Prepared:
    import torch

    _check_compiler()
    torch.compiler.config.force_disable_caches = FOLDER not in os.environ
    _inductor().compile_threads = 1
    # PyTorch counts compilations of torch.func's own wrappers, which all functions share, and gives up at 8
    torch._dynamo.config.recompile_limit = torch._dynamo.config.accumulated_recompile_limit = 2**20
    way = _way(mode, form, operator, point)
    compiled = torch.compile(way, fullgraph=True, dynamic=False)
    encode = partial(_encode, False, operator)

    def compile_it() -> None:
        try:
            compiled(*encode(point))
        except (torch._dynamo.exc.Unsupported, torch._dynamo.exc.UserError) as error:
            said = str(error).partition("\n")[0]
            raise NotImplementedError(
                f"torch.compile cannot capture this function in one graph: {said}"
            ) from error

    return Prepared(
        compiled, encode, partial(_decode, deliver(form, operator, point)), compile=compile_it
    )


def _check_compiler() -> None:
    """Raises RuntimeError with the remedy where PyTorch will find no C++ compiler."""
    wanted = os.environ.get("CXX", "g++")
    if sys.platform == "linux" and shutil.which(wanted) is None:
        raise RuntimeError(
            f"torch.compile needs a C++ compiler and finds no '{wanted}': install g++, or name "
            "another compiler in the environment variable CXX"
        )


def _inductor() -> Any:
    from torch._inductor import config  # its public door: torch.compiler has no such option

    return config


def _way(mode: Mode, form: Form, operator: Operator, point: Point) -> Function:
    import torch

    torch.set_default_dtype(torch.float64)
    f = joined(form, form.build(words("torch", mode.derivative)))
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    return chosen("PyTorch", mode.ways(f, int(form.elementwise), pattern), operator)


def _method(
    name: str, summary: str, kind: str, mode: Mode, operators: tuple[Operator, ...] = OPERATORS
) -> Method:
    compiles = name.startswith("torch-compile")
    return Method(
        name=name,
        summary=summary,
        tool="torch",
        mode=kind,
        reads=("torch", "array"),
        operators=operators,
        prepare=partial(_prepare_compiled if compiles else _prepare, mode),
        requires=("torch",),
        imports=("torch.func", *(("torch._dynamo", "torch._inductor.compile_fx") * compiles)),
        compiles=compiles,
        own_process=compiles,
    )


METHODS = [
    _method(
        "torch-reverse",
        "torch.func eagerly: grad, grad_and_value, jacrev, vjp; grad of grad . v; one vjp a colour",
        "reverse",
        REVERSE,
    ),
    _method(
        "torch-forward",
        "torch.func eagerly: jacfwd, jvp for one direction, jvp of jacfwd; one jvp a colour",
        "forward",
        FORWARD,
    ),
    _method(
        "torch-hessian",
        "torch.func eagerly: hessian, and jvp of grad for products with H: forward over reverse",
        "mixed",
        MIXED,
        operators=SECOND,
    ),
    _method(
        "torch-backward",
        "requires_grad and torch.autograd.grad: the record read backwards, batched for matrices",
        "reverse",
        BACKWARD,
    ),
    _method(
        "torch-compile",
        "torch.compile of torch-reverse: one graph, turned into C++ by inductor",
        "reverse",
        REVERSE,
    ),
    _method(
        "torch-compile-hessian",
        "torch.compile of torch-hessian: forward over reverse in one graph, turned into C++",
        "mixed",
        MIXED,
        operators=SECOND,
    ),
]
