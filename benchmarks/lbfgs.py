"""Time of batched L-BFGS solvers on one problem: 64 lanes of a smooth function of 200 variables.

Beside the time stands the largest gap of a lane to the best value that any solver found there.
Optax and Optimistix are optional; ``pip install optax optimistix``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode.numerics.descent import lbfgs

LANES, SIZE, STEPS, REPEATS = 64, 200, 400, 3


def problem(lane: Any, x: Any) -> Any:
    """A smooth maximum of random slopes, and an ill-scaled bowl."""
    slopes, offset = lane
    weight = jnp.logspace(-1, 1, SIZE)
    return jax.nn.logsumexp(4 * (slopes @ x + offset)) / 4 + 0.5 * jnp.sum(weight * x**2)


def ours(lane: Any, start: Any) -> Any:
    return lbfgs(lambda x: problem(lane, x), start, max_evaluations=STEPS, tolerance=1e-10).point


def with_optax(lane: Any, start: Any) -> Any:
    import optax

    solver = optax.lbfgs(memory_size=8)

    def objective(x: Any) -> Any:
        return problem(lane, x)

    value_and_grad = optax.value_and_grad_from_state(objective)

    def step(carry: Any) -> Any:
        x, state, last, calm, count = carry
        value, slope = value_and_grad(x, state=state)
        change, state = solver.update(slope, state, x, value=value, grad=slope, value_fn=objective)
        calm = jnp.where(last - value < 1e-10, calm + 1, 0)
        return optax.apply_updates(x, change), state, value, calm, count + 1

    def going(carry: Any) -> Any:
        return (carry[4] < STEPS) & (carry[3] < 5)

    first = (start, solver.init(start), jnp.asarray(jnp.inf), jnp.asarray(0), jnp.asarray(0))
    return jax.lax.while_loop(going, step, first)[0]


def with_optimistix(lane: Any, start: Any) -> Any:
    import optimistix

    solver = optimistix.LBFGS(rtol=1e-8, atol=1e-10)
    return optimistix.minimise(lambda x, _: problem(lane, x), solver, start, max_steps=4 * STEPS, throw=False).value


def main() -> None:
    """Print one line per solver."""
    rng = np.random.default_rng(0)
    lanes = jnp.asarray(rng.standard_normal((LANES, 30, SIZE))), jnp.asarray(rng.standard_normal((LANES, 30)))
    start = jnp.zeros((LANES, SIZE))
    solvers: dict[str, Callable[..., Any]] = {
        "trinode": ours,
        "optax": with_optax,
        "optimistix": with_optimistix,
    }
    seconds, values = {}, {}
    for name, solver in solvers.items():
        try:
            program = jax.jit(jax.vmap(solver))
            point = jax.block_until_ready(program(lanes, start))
        except (ImportError, AttributeError) as fault:
            print(f"{name}: left out ({fault})", file=sys.stderr)
            continue
        times = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            jax.block_until_ready(program(lanes, start))
            times.append(time.perf_counter() - began)
        seconds[name] = float(np.median(times))
        values[name] = np.asarray(jax.vmap(problem)(lanes, point))
    best = np.min(list(values.values()), axis=0)
    print(f"{LANES} lanes of {SIZE} variables, median of {REPEATS} runs on {jax.devices()[0].platform}")
    for name, spent in seconds.items():
        gap = np.max(values[name] - best)
        ratio = spent / seconds["trinode"]
        print(f"{name:12s} {1e3 * spent:8.1f} ms   {ratio:6.2f} x   largest gap {gap:.1e}")


if __name__ == "__main__":
    main()
