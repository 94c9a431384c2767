"""Quadratic programs over non-negative trigonometric polynomials, exactly, by their semidefinite form.

A polynomial of order A - 1 has real coordinates ``x = [s_0, Re s_1 .., Im s_1 ..]`` (2A - 1 numbers) and the value
``s_0 + 2 sum_l (Re s_l cos(l w) + Im s_l sin(l w))``. It is non-negative for every w, between any samples too, if and
only if it has a Gram matrix: ``s_l = sum_n Z[n + l, n]`` of some Z >= 0 (Fejer and Riesz).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics.loops import while_loop


class Optimum(NamedTuple):
    """Gram matrix of trace 1, its coordinates, its value, a lower bound of any value, and the steps taken."""

    gram: Complex[Array, "A A"]
    point: Float[Array, " n"]
    value: Float[Array, ""]
    lower: Float[Array, ""]
    steps: Int[Array, ""]


def coordinates(gram: Complex[Array, "*b A A"]) -> Float[Array, "*b n"]:
    """Coordinates of the polynomial ``conj(a) . Z . a`` with ``a[n] = exp(1j n w)``, Z Hermitian."""
    a = gram.shape[-1]
    batch = gram.shape[:-2]
    # the real part is symmetric and the imaginary part is not: their sum holds both
    both = gram.real + gram.imag
    wide = jnp.concatenate([both[..., ::-1], jnp.zeros_like(both)], axis=-1)
    skew = wide.reshape(*batch, 2 * a * a)[..., : 2 * a * a - a].reshape(*batch, a, 2 * a - 1)
    s = jnp.sum(skew, axis=-2)  # column i holds n - m = i - (A - 1)
    below, above = s[..., a - 1 :], s[..., a - 1 :: -1]
    return jnp.concatenate([(below + above) / 2, (below - above)[..., 1:] / 2], axis=-1)


def minimize(
    quadratic: Float[Array, "n n"],
    *,
    tolerance: float = 1e-10,
    max_steps: int = 60,
    needed: Bool[Array, ""] | bool = True,
) -> Optimum:
    """Smallest ``x . B . x`` over non-negative polynomials of mean 1, that is over ``Z >= 0`` of trace 1.

    A primal-dual interior-point method (direction of Helmberg, Kojima and Monteiro, Mehrotra's corrector) in the
    2A - 1 dual variables; the matrix of each step comes from one correlation by FFT.

    Parameters
    ----------
    quadratic : (n, n)
        B, symmetric and positive semidefinite, n = 2A - 1.
    tolerance : float
        Relative gap between ``value`` and ``lower`` at which to stop.
    needed : bool
        False: no step is taken, and what comes back is white.
    """
    n = quadratic.shape[0]
    a = (n + 1) // 2
    size = jnp.trace(quadratic) / n
    b = quadratic / size + 1e-14 * jnp.eye(n)
    unit = jnp.zeros(n).at[0].set(1.0)
    root = jnp.linalg.inv(b)
    root = (root + root.T) / 2
    push = root[0]
    curvature = root - jnp.outer(push, push) / push[0]
    eye = jnp.eye(a)

    def settle(y: Float[Array, " n"]) -> tuple[Float[Array, " n"], Float[Array, ""]]:
        """Best x of mean 1 for a dual point, and the dual value."""
        level = (1 - push @ y) / push[0]
        x = root @ (y + level * unit)
        return x, 2 * level - x @ (y + level * unit)

    class State(NamedTuple):
        y: Float[Array, " n"]
        gram: Complex[Array, "A A"]
        gap: Float[Array, ""]
        steps: Int[Array, ""]

    def step(s: State) -> State:
        slack = toeplitz(s.y)
        low_t, low_z = jnp.linalg.cholesky(slack), jnp.linalg.cholesky(s.gram)
        inverse = jax.scipy.linalg.cho_solve((low_t, True), eye.astype(slack.dtype))
        x, _ = settle(s.y)
        matrix = curvature + _correlation(s.gram, inverse)
        factor = jax.scipy.linalg.cho_factor(matrix)
        mean = jnp.sum((slack * s.gram.conj()).real) / a
        back_t, back_z = _inverse_lower(low_t), _inverse_lower(low_z)

        def direction(target: Complex[Array, "A A"]) -> tuple[Array, Array, Array]:
            dy = jax.scipy.linalg.cho_solve(factor, coordinates(_sym(target @ inverse)) - x)
            dt = toeplitz(dy)
            return dy, dt, _sym((target - s.gram @ dt) @ inverse) - s.gram

        def reach(back: Complex[Array, "A A"], change: Complex[Array, "A A"]) -> Float[Array, ""]:
            lowest = jnp.linalg.eigvalsh(back @ change @ back.conj().T)[0]
            return jnp.minimum(1.0, jnp.where(lowest < 0, -0.98 / jnp.where(lowest < 0, lowest, -1.0), 1.0))

        _, dt, dz = direction(jnp.zeros_like(slack))
        ahead = jnp.minimum(reach(back_t, dt), reach(back_z, dz))
        after = jnp.sum(((slack + ahead * dt) * (s.gram + ahead * dz).conj()).real) / a
        centre = jnp.clip((after / mean) ** 3, 1e-6, 0.5)
        dy, dt, dz = direction(centre * mean * eye - dz @ dt)
        y = s.y + reach(back_t, dt) * dy
        gram = s.gram + reach(back_z, dz) * dz
        gram = gram / jnp.trace(gram).real
        point = coordinates(gram)
        upper, lower = point @ b @ point, settle(y)[1]
        return State(y, gram, (upper - lower) / upper, s.steps + 1)

    white = eye.astype(complex) / a
    first = State(unit * b[0, 0], white, jnp.where(needed, jnp.inf, 0.0), jnp.asarray(0))
    # not a number: the last steps can no longer be resolved
    last = while_loop(lambda s: (s.gap > tolerance) & (s.steps < max_steps), step, first)
    point = coordinates(last.gram)
    lower = jnp.maximum(settle(last.y)[1], 0.0) * size
    return Optimum(last.gram, point, point @ quadratic @ point, lower, last.steps)


def toeplitz(y: Float[Array, " n"]) -> Complex[Array, "A A"]:
    """Hermitian Toeplitz matrix T with ``tr(T Z) = y . coordinates(Z)``."""
    a = (y.shape[0] + 1) // 2
    half = lax.complex(y[1:a], -y[a:]) / 2
    lags = jnp.concatenate([half[::-1].conj(), y[:1] + 0j, half])  # -(A-1) .. A-1
    at = jnp.arange(a)
    return lags[at[None] - at[:, None] + a - 1]


def spectral_factor(point: Float[Array, " n"], *, grid: int = 16) -> Complex[Array, " A"]:
    """Vector v of minimum phase whose ``v v^H`` has these coordinates, by the cepstrum.

    Zeros on the unit circle are lifted by 1e-9 of the mean; ``grid`` is the length of the transform over 4A.
    """
    a = (point.shape[0] + 1) // 2
    length = 4 * a * grid
    s = lax.complex(point[:a], jnp.concatenate([jnp.zeros(1), point[a:]]))
    whole = jnp.zeros(length, complex).at[:a].set(s).at[-(a - 1) :].add(s[:0:-1].conj()) if a > 1 else (
        jnp.zeros(length, complex).at[0].set(s[0])
    )  # fmt: skip
    value = jnp.fft.fft(whole).real
    logarithm = jnp.log(jnp.maximum(value, 0.0) + 1e-9 * point[0])
    cepstrum = jnp.fft.ifft(logarithm / 2)
    fold = jnp.zeros(length).at[0].set(1.0).at[1 : length // 2].set(2.0).at[length // 2].set(1.0)
    vector = jnp.fft.ifft(jnp.exp(jnp.fft.fft(cepstrum * fold)))[:a]
    return vector * jnp.sqrt(point[0] / jnp.sum(jnp.abs(vector) ** 2))


def _correlation(z: Complex[Array, "A A"], s: Complex[Array, "A A"]) -> Float[Array, "n n"]:
    """Matrix of ``Re tr(T_i Z T_j S)`` over the Toeplitz matrices of the unit vectors, symmetric part."""
    a = z.shape[0]
    shape = (2 * a, 2 * a)
    product = jnp.fft.fft2(z, shape) * jnp.roll(jnp.fft.fft2(s.T, shape)[::-1, ::-1], (1, 1), (0, 1))
    lags = jnp.fft.ifft2(product)  # [p, q]: sum of Z[i + p, j + q] S[j, i]
    at = jnp.arange(-(a - 1), a)
    table = lags[at[:, None] % (2 * a), (-at[None]) % (2 * a)]

    def real(rows: Complex[Array, "n k"]) -> Complex[Array, "n k"]:
        zero, up, down = rows[a - 1 : a], rows[a:], rows[: a - 1][::-1]
        return jnp.concatenate([zero, (up + down) / 2, (down - up) * 0.5j])

    matrix = real(real(table).T).T.real
    return (matrix + matrix.T) / 2


def _inverse_lower(lower: Complex[Array, "A A"]) -> Complex[Array, "A A"]:
    return jax.scipy.linalg.solve_triangular(lower, jnp.eye(lower.shape[0], dtype=lower.dtype), lower=True)


def _sym(matrix: Complex[Array, "A A"]) -> Complex[Array, "A A"]:
    return (matrix + matrix.conj().T) / 2
