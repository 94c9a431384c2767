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
    factor: Float[Array, "r n"],
    *,
    tolerance: float = 1e-10,
    max_steps: int = 60,
    needed: Bool[Array, ""] | bool = True,
) -> Optimum:
    """Smallest ``|F x|^2`` over non-negative polynomials of mean 1, that is over ``Z >= 0`` of trace 1.

    A primal-dual interior-point method (direction of Helmberg, Kojima and Monteiro, Mehrotra's corrector) in the
    r + 1 dual variables; the matrix of each step comes from one correlation by FFT. F may have any rank: nothing is
    divided by what it is small for. The dual is

        largest  level - |v|^2   where   T(2 F^T v) - level I >= 0,

    and any v with such a level of at least 0 proves ``level^2 / (4 |v|^2)``, its best multiple.

    Parameters
    ----------
    factor : (r, n)
        F, n = 2A - 1, of any rank.
    tolerance : float
        Relative gap between ``value`` and ``lower`` at which to stop, or where ``F x`` is rounding.
    needed : bool
        False: no step is taken, and what comes back is white.
    """
    r, n = factor.shape
    a = (n + 1) // 2
    size = jnp.sqrt(jnp.sum(factor**2) / n)
    scale = jnp.where(size > 0, size, 1.0)
    f = factor / scale
    unit = jnp.zeros(n).at[0].set(1.0)
    wide = jnp.concatenate([f, -unit[None]])
    eye = jnp.eye(a)
    weight = jnp.diag(jnp.concatenate([jnp.full(r, 0.5), jnp.zeros(1)]))

    def proven(u: Float[Array, " r1"]) -> Float[Array, ""]:
        """Lower bound of a dual point ``u = (2 v, level)`` whose slack is positive."""
        most = jnp.sum(u[:r] ** 2)
        return jnp.where(u[r] > 0, u[r] ** 2 / jnp.where(most > 0, most, 1.0), 0.0)

    class State(NamedTuple):
        u: Float[Array, " r1"]
        gram: Complex[Array, "A A"]
        roots: tuple[Complex[Array, "A A"], Complex[Array, "A A"]]
        gap: Float[Array, ""]
        steps: Int[Array, ""]

    def roots(u: Float[Array, " r1"], gram: Complex[Array, "A A"]) -> tuple[Array, Array]:
        return jnp.linalg.cholesky(toeplitz(u @ wide)), jnp.linalg.cholesky(gram)

    def step(s: State) -> State:
        slack = toeplitz(s.u @ wide)
        low_t, low_z = s.roots
        inverse = jax.scipy.linalg.cho_solve((low_t, True), eye.astype(slack.dtype))
        matrix = wide @ _correlation(s.gram, inverse) @ wide.T + weight
        # entries differ by many orders of magnitude
        even = 1 / jnp.sqrt(jnp.diagonal(matrix))
        chol = jax.scipy.linalg.cho_factor(matrix * even * even[:, None])
        mean = jnp.sum((slack * s.gram.conj()).real) / a
        back_t, back_z = _inverse_lower(low_t), _inverse_lower(low_z)

        def direction(target: Complex[Array, "A A"]) -> tuple[Array, Array, Array]:
            missing = (wide @ coordinates(_sym(target @ inverse))).at[:r].add(-s.u[:r] / 2).at[r].add(1.0)
            du = even * jax.scipy.linalg.cho_solve(chol, even * missing)
            dt = toeplitz(du @ wide)
            return du, dt, _sym((target - s.gram @ dt) @ inverse) - s.gram

        def reach(back: Complex[Array, "A A"], change: Complex[Array, "A A"]) -> Float[Array, ""]:
            lowest = jnp.linalg.eigvalsh(back @ change @ back.conj().T)[0]
            return jnp.minimum(1.0, jnp.where(lowest < 0, -0.98 / jnp.where(lowest < 0, lowest, -1.0), 1.0))

        _, dt, dz = direction(jnp.zeros_like(slack))
        ahead = jnp.minimum(reach(back_t, dt), reach(back_z, dz))
        after = jnp.sum(((slack + ahead * dt) * (s.gram + ahead * dz).conj()).real) / a
        centre = jnp.clip((after / mean) ** 3, 1e-6, 0.5)
        du, dt, dz = direction(centre * mean * eye - dz @ dt)
        u = s.u + reach(back_t, dt) * du
        gram = s.gram + reach(back_z, dz) * dz
        gram = gram / jnp.trace(gram).real
        length = jnp.linalg.norm(f @ coordinates(gram))
        # what a length of zero is with rounding
        noise = 2e-15 * jnp.sqrt(n)
        gap = (length**2 - proven(u)) / (tolerance * length**2 + noise * (2 * length + noise))
        lows = roots(u, gram)
        after = State(u, gram, lows, gap, s.steps + 1)
        # not positive, not a number: the step can no longer be resolved, and the state before it stands
        good = jnp.isfinite(gap) & jnp.isfinite(lows[0]).all() & jnp.isfinite(lows[1]).all()
        return jax.tree.map(lambda new, old: jnp.where(good, new, old), after, s._replace(gap=jnp.zeros_like(gap)))

    white = eye.astype(complex) / a
    far = jnp.sum(f[:, 0] ** 2)
    begin = jnp.zeros(r + 1).at[r].set(-jnp.where(far > 0, far, 1.0))
    first = State(begin, white, roots(begin, white), jnp.where(needed, jnp.inf, 0.0), jnp.asarray(0))
    last = while_loop(lambda s: (s.gap > 1) & (s.steps < max_steps), step, first)
    point = coordinates(last.gram)
    # the slack as it is, rounding against it
    bare = toeplitz(last.u[:r] @ f)
    level = jnp.linalg.eigvalsh(bare)[0] - 1e-15 * jnp.linalg.norm(bare)
    lower = proven(last.u.at[r].set(level)) * scale**2
    return Optimum(last.gram, point, jnp.sum((factor @ point) ** 2), lower, last.steps)


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
