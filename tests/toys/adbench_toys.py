"""Methods that misbehave, one way each: what the harness must survive and name."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np

from adbench.model import Form, Method, Operator, Point, Prepared


def gradient(x: Any) -> Any:
    """Rosenbrock's gradient by hand: what all toys would answer if they behaved."""
    result = np.zeros_like(x)
    a = x[1:] - x[:-1] ** 2
    result[:-1] += -400.0 * x[:-1] * a - 2.0 * (1.0 - x[:-1])
    result[1:] += 200.0 * a
    return result


def toy(name: str, call: Any, decode: Any = lambda r: r, prepare: Any = None) -> Method:
    def default(form: Form, operator: Operator, point: Point) -> Prepared:
        return Prepared(call, lambda p: (p.fresh()[0],), decode)

    return Method(
        name=f"toy-{name}",
        summary=f"misbehaves: {name}",
        tool="toys",
        mode="none",
        reads=("array",),
        operators=(Operator.GRADIENT,),
        prepare=prepare or default,
    )


def hang(x: Any) -> Any:
    while True:
        time.sleep(0.1)


def segfault(x: Any) -> Any:
    return ctypes.string_at(0)


def leave(x: Any) -> Any:
    print("leaving now", flush=True)
    os._exit(3)


def eat(x: Any) -> Any:
    eaten = []
    while True:
        eaten.append(np.ones(10_000_000))
        time.sleep(0.01)


def slow_gradient(x: Any) -> Any:
    """20 ms: longer than the 5 ms after which the interpreter lets the calling thread go on."""
    until = time.thread_time() + 20e-3
    while time.thread_time() < until:
        pass
    return gradient(x)


class Future:
    """A result computed in a thread; the call returns at once."""

    def __init__(self, x: Any) -> None:
        self.value: Any = None
        self.thread = threading.Thread(target=self._work, args=(x,))
        self.thread.start()

    def _work(self, x: Any) -> None:
        self.value = slow_gradient(x)

    def wait(self) -> Any:
        self.thread.join()
        return self.value


def answers_then_works(x: Any) -> Any:
    """The answer at once, from a cheap formula; the work it should have done goes on in a thread."""
    threading.Thread(target=slow_gradient, args=(x,)).start()
    return gradient(x)


def prepare_async_jax(form: Form, operator: Operator, point: Point) -> Prepared:
    """A JAX call with asynchronous dispatch on that does not wait for its result."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", True)

    @jax.jit
    def call(x: Any) -> Any:
        a = x[1:] - x[:-1] ** 2
        zero = jnp.zeros_like(x)
        left = zero.at[:-1].set(-400.0 * x[:-1] * a - 2.0 * (1.0 - x[:-1])).at[1:].add(200.0 * a)
        heavy = jnp.linspace(0.0, 1.0, 200_000) + x[0]
        return left + 0.0 * jnp.sum(jnp.sin(jnp.exp(heavy)))

    def encode(p: Point) -> tuple[Any, ...]:
        return (jax.block_until_ready(jnp.array(p.x)),)

    return Prepared(call, encode, lambda r: np.array(r))


def prepare_raises(form: Form, operator: Operator, point: Point) -> Prepared:
    raise RuntimeError("no plan for this form")


def prepare_refuses(form: Form, operator: Operator, point: Point) -> Prepared:
    raise NotImplementedError("this toy does not do gradients")


def prepare_stores(form: Form, operator: Operator, point: Point) -> Prepared:
    """Computes the answer while it prepares, and returns it whatever it is asked."""
    answer = gradient(np.array(point.x))
    return Prepared(lambda x: answer, lambda p: (p.fresh()[0],), lambda r: r)


def call_raises(x: Any) -> Any:
    raise ZeroDivisionError("division by zero in the toy")


def noisy(x: Any) -> Any:
    print("a tool that prints", flush=True)
    return gradient(x)


def heavy(x: Any) -> Any:
    until = time.thread_time() + 2e-3
    while time.thread_time() < until:
        pass
    return gradient(x)


def begets(x: Any) -> Any:
    """Starts a process that outlives it, then hangs."""
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)", "adbench-toy-child"])
    return hang(x)


class Booby:
    """A result that explodes where it is unpickled."""

    def __reduce__(self) -> Any:
        return exec, ("raise RuntimeError('boom')",)


calls = 0


def sours(x: Any) -> Any:
    """Right at first, wrong after a few calls."""
    global calls
    calls += 1
    return gradient(x) * (1.0 if calls < 5 else 1.001)


METHODS = [
    toy("good", gradient),
    toy("hang", hang),
    toy("segfault", segfault),
    toy("leave", leave),
    toy("eat", eat),
    toy("thread", Future, Future.wait),
    toy("late-work", answers_then_works),
    toy("async-jax", None, prepare=prepare_async_jax),
    toy("raises-prepare", None, prepare=prepare_raises),
    toy("refuses", None, prepare=prepare_refuses),
    toy("stores", None, prepare=prepare_stores),
    toy("raises-call", call_raises),
    toy("shape", lambda x: gradient(x)[:-1]),
    toy("nan", lambda x: gradient(x) * np.nan),
    toy("zero", lambda x: gradient(x) * 0.0),
    toy("lazy", lambda x: lambda: heavy(x), lambda r: r()),
    toy("begets", begets),
    toy("booby", lambda x: Booby()),
    toy("noisy", noisy),
    toy("sours", sours),
]
