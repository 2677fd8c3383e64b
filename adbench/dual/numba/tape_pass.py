"""One call in reverse mode: a tape taken, filled, swept, read and given back, whatever happens.

Where an exception passes through a function that Numba compiles, the references that it holds are
lost, those to its arguments among them. Here the function that is differentiated is all that can raise.
`attempt` calls it from an LLVM function that holds no reference then, and tells how it ended; its
caller lets go of the arguments; and only then `raise_if` raises.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.arguments import counter, gatherer, lifter
from adbench.dual.numba.arrays import prepared
from adbench.dual.numba.compiling import explained, options, own_options, python_text
from adbench.dual.numba.helpers import with_helpers
from adbench.dual.numba.internals import Status, excinfo_t, fold_arguments
from adbench.dual.numba.kernels import Plan
from adbench.dual.numba.memory import array_on
from adbench.dual.numba.structure import structurer
from adbench.dual.numba.tape_memory import (
    BYTES_PER_OPERATION,
    BYTES_PER_VARIABLE,
    FAULT,
    LEAVES,
    MISMATCH,
    NEXT,
    REFUSED,
    TOO_LARGE,
    WITHOUT_WRAPPERS,
    WORD,
    acquire,
    begin,
    peek,
    release,
)
from adbench.dual.numba.tape_sweep import strict_sweep, sweep
from adbench.dual.numba.tape_values import (
    TAPED,
    append_result,
    copy_adjoints,
    line_of,
    plain,
    refuse_duals,
    seed,
)

DUALS = types.Array(TAPED, 1, "C")


class Steps(NamedTuple):
    """The steps of a call, each for compiled code; or the Numba signatures of the same."""

    start: Any  # (tape, args) -> number of variables, -1 where the tape has no room
    lift: Any  # (duals, args) -> args with duals
    evaluate: Any  # (*args) -> y
    sweep: Any  # (tape, y, v) -> the value
    finish: Any  # (tape, args) -> gradient, the tape released


def attempter(plan: Plan, with_value: bool, flat: bool = False) -> Any:
    """``attempt(args, v) -> (result, failed, code, where)`` for compiled code; it raises nothing.

    The result is the gradient of v times f, or (value, gradient); `flat` leaves the gradient a line.
    The others are for `raise_if`.
    """
    steps, faults = _steps(plan, flat), _faults(plan.max_bytes)

    def attempt(typingctx: Any, args: Any, v: Any) -> Any:
        given = types.BaseTuple.from_types(args.types), types.unliteral(v)
        typed = _typed(typingctx, steps, *given)
        result = typed.finish.return_type
        if with_value:
            result = types.Tuple((typed.sweep.return_type, result))
        ended = types.Tuple((result, types.boolean, types.int32, types.intp))

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            call = _Call(context, builder, steps, typed, faults)
            own = signature(result, *sig.args)
            status, found = call.written_apart(own, values)
            where = builder.ptrtoint(status.excinfoptr, WORD)
            return context.make_tuple(builder, ended, (found, status.is_error, status.code, where))

        return signature(ended, *given), write

    return intrinsic(attempt)


def _raise_if(typingctx: Any, failed: Any, code: Any, where: Any) -> Any:
    """``raise_if(failed, code, where)``: raise what `attempt` met."""

    def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        failed, code, where = values
        pointer = builder.inttoptr(where, ir.PointerType(excinfo_t))
        rest = dict.fromkeys(Status._fields)
        status = Status(**{**rest, "code": code, "excinfoptr": pointer})
        with cgutils.if_unlikely(builder, failed):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return signature(types.none, types.boolean, types.int32, types.intp), write


raise_if = intrinsic(_raise_if)


def _steps(plan: Plan, flat: bool) -> Steps:
    flags, argnums, max_bytes = options(plan.strict), plan.argnums, plan.max_bytes
    flags |= WITHOUT_WRAPPERS
    # A tape is of one thread: the function's own prange is a plain loop here.
    own = {key: told for key, told in own_options(plan.f).items() if key != "parallel"}
    text = with_helpers(python_text(plan.f), options(plan.strict))
    function = njit(**own, **flags)(prepared(text, TAPED))
    count, gather, structured = counter(argnums), gatherer(argnums), structurer(argnums)
    back = strict_sweep if plan.strict else sweep

    @njit(**flags)
    def start(tape, args):  # type: ignore[no-untyped-def]
        n = count(args)
        if not begin(tape, n, max_bytes):
            return -1
        line = line_of(tape, n)
        gather(args, line)
        seed(tape, line)
        return n

    @njit(**flags)
    def swept(tape, y, v):  # type: ignore[no-untyped-def]
        outputs = peek(tape, NEXT)
        append_result(tape, y, v)
        if peek(tape, FAULT) == 0:
            back(tape, outputs)
        return plain(y)

    @njit(**flags)
    def finish(tape, args):  # type: ignore[no-untyped-def]
        line = np.empty(count(args))
        copy_adjoints(tape, line)
        release(tape)
        return line if flat else structured(args, line, ())

    return Steps(start, lifter(TAPED, argnums, None), function, swept, finish)


def _typed(typingctx: Any, steps: Steps, args: Any, v: Any) -> Steps:
    def of(function: Any, *given: Any) -> Any:
        return typingctx.resolve_value_type(function).get_call_type(typingctx, given, {})

    refuse_duals(args)
    start = of(steps.start, types.intp, args)
    lift = of(steps.lift, DUALS, args)
    with explained(steps.evaluate):  # Numba would tell of `attempt`, not of what the function does
        evaluate = of(steps.evaluate, *lift.return_type.types)
    swept = of(steps.sweep, types.intp, evaluate.return_type, v)
    return Steps(start, lift, evaluate, swept, of(steps.finish, types.intp, args))


Faults = dict[int, tuple[type[Exception], str]]


def _faults(max_bytes: int) -> Faults:
    return {
        TOO_LARGE: (
            MemoryError,
            f"reverse mode records more than max_bytes = {max_bytes} allows ({BYTES_PER_OPERATION} "
            f"bytes an operation, {BYTES_PER_VARIABLE} a variable): give a larger max_bytes, differentiate a sum "
            "in parts, or use forward mode (layout='V')",
        ),
        REFUSED: (
            MemoryError,
            "reverse mode: the system has no more memory for the tape; differentiate a sum in parts, "
            "or use forward mode (layout='V')",
        ),
        MISMATCH: (ValueError, "the cotangent v has another shape than the function's value"),
    }


class _Call:
    """Writes one call of the steps."""

    def __init__(
        self, context: Any, caller: Any, steps: Steps, typed: Steps, faults: Faults
    ) -> None:
        self.context = context
        self.caller = caller
        self.steps = steps
        self.typed = typed
        self.faults = faults
        self.b: Any = None  # of the function written

    def written_apart(self, sig: Any, values: Any) -> Any:
        """A function of the steps, called here like any that Numba compiles: status and result."""
        conventions, module = self.context.call_conv, self.caller.module
        function_type = conventions.get_function_type(sig.return_type, sig.args)
        name = module.get_unique_name("adbench_dual_reverse")
        function = ir.Function(module, function_type, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        conventions.decorate_function(function, ["args", "v"], sig.args)
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        conventions.init_call_helper(self.b)
        packed = conventions.get_arguments(function)
        args, v = self.context.get_arg_packer(sig.args).from_arguments(self.b, packed)
        conventions.return_value(self.b, self._body(sig, args, v))
        return conventions.call_function(self.caller, function, sig.return_type, sig.args, values)

    def _body(self, sig: Any, args: Any, v: Any) -> Any:
        b, typed = self.b, self.typed
        tape = self._called(acquire, signature(types.intp))
        with cgutils.if_unlikely(b, cgutils.is_null(b, tape)):
            self.context.call_conv.return_user_exc(b, *self._raised(REFUSED))
        n = self._called(self.steps.start, typed.start, tape, args)
        with cgutils.if_unlikely(b, b.icmp_signed("<", n, ir.Constant(n.type, 0))):
            self._give_up(tape)
        y = self._evaluated(tape, n, args)
        value = self._called(self.steps.sweep, typed.sweep, tape, y, v)
        self.context.nrt.decref(b, typed.evaluate.return_type, y)
        faulty = b.icmp_unsigned("!=", self._word(tape, FAULT), ir.Constant(WORD, 0))
        with cgutils.if_unlikely(b, faulty):
            self.context.nrt.decref(b, typed.sweep.return_type, value)
            self._give_up(tape)
        gradient = self._called(self.steps.finish, typed.finish, tape, args)
        if sig.return_type == typed.finish.return_type:
            self.context.nrt.decref(b, typed.sweep.return_type, value)
            return gradient
        return self.context.make_tuple(b, sig.return_type, (value, gradient))

    def _evaluated(self, tape: Any, n: Any, args: Any) -> Any:
        b, lift, evaluate = self.b, self.typed.lift, self.typed.evaluate
        pointer = self.context.get_data_type(TAPED).as_pointer()
        data = b.inttoptr(self._word(tape, LEAVES), pointer)
        duals = array_on(self.context, b, DUALS, data, [n])
        lifter_type = self.context.typing_context.resolve_value_type(self.steps.lift)
        lifted = self.context.get_function(lifter_type, lift)(b, (duals, args))
        compiled = self._linked(self.steps.evaluate, evaluate)
        values = self._folded(evaluate, lift.return_type, lifted)
        status, y = self.context.call_internal_no_propagate(b, compiled.fndesc, evaluate, values)
        self.context.nrt.decref(b, lift.return_type, lifted)
        with cgutils.if_unlikely(b, status.is_error):
            self._called(release, signature(types.none, types.intp), tape)
            self.context.call_conv.return_status_propagate(b, status)
        return y

    def _folded(self, sig: Any, ty: Any, args: Any) -> list[Any]:
        """The values of the tuple as the function's parameters, ``*args`` and defaults included."""
        values = [self.b.extract_value(args, i) for i in range(len(ty.types))]

        def default(index: int, parameter: Any, value: Any) -> Any:
            return self.context.get_constant_generic(self.b, sig.args[index], value)

        def rest(index: int, parameter: Any, values: Any) -> Any:
            return self.context.make_tuple(self.b, sig.args[index], values)

        folded: list[Any] = fold_arguments(sig.pysig, values, {}, lambda i, p, v: v, default, rest)
        return folded

    def _give_up(self, tape: Any) -> None:
        """Release the tape and raise what its fault stands for."""
        fault = self._word(tape, FAULT)
        self._called(release, signature(types.none, types.intp), tape)
        for code in self.faults:
            with self.b.if_then(self.b.icmp_unsigned("==", fault, ir.Constant(WORD, code))):
                self.context.call_conv.return_user_exc(self.b, *self._raised(code))
        self.b.unreachable()

    def _raised(self, code: int) -> Any:
        kind, message = self.faults[code]
        return kind, (message,)

    def _word(self, tape: Any, number: int) -> Any:
        control = self.b.inttoptr(tape, WORD.as_pointer())
        return self.b.load(self.b.gep(control, [ir.Constant(WORD, number)]))

    def _linked(self, function: Any, sig: Any) -> Any:
        compiled = function.get_compile_result(sig)
        self.context.active_code_library.add_linking_library(compiled.library)
        return compiled

    def _called(self, function: Any, sig: Any, *args: Any) -> Any:
        compiled = self._linked(function, sig)
        return self.context.call_internal(self.b, compiled.fndesc, sig, args)
