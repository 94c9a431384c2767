"""Small complex matrices, batched over their leading axes."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float


def product(left: Complex[Array, "... m n"], right: Complex[Array, "... n l"]) -> Complex[Array, "... m l"]:
    """Product of matrices, written out where it is with or of vectors: there that is quicker than the library's."""
    if left.shape[-1] == 1:
        return left * right
    if right.shape[-1] == 1:
        return jnp.sum(left * jnp.swapaxes(right, -1, -2), axis=-1, keepdims=True)
    return jnp.matmul(left, right)


def unit(vectors: Complex[Array, "..."], axis: int = -1) -> Complex[Array, "..."]:
    """Vectors along an axis at a norm of 1; zeros stay."""
    size = jnp.sqrt(jnp.sum(jnp.abs(vectors) ** 2, axis=axis, keepdims=True))
    return vectors / jnp.where(size > 0, size, 1.0)


def hermitian_inverse(matrix: Complex[Array, "... n n"]) -> Complex[Array, "... n n"]:
    """Inverse of a positive definite matrix."""
    root = lax.linalg.cholesky(matrix, symmetrize_input=False)
    unit = jnp.broadcast_to(jnp.eye(matrix.shape[-1], dtype=matrix.dtype), matrix.shape)
    half = lax.linalg.triangular_solve(root, unit, left_side=True, lower=True)
    return jnp.matmul(half.conj().swapaxes(-1, -2), half)


SMALL = 4
"""Up to this size a factorisation is written out, entry by entry: in a batch that is quicker than the library's."""


def weighed(matrix: Complex[Array, "... n n"], vectors: Complex[Array, "... m n"]) -> Float[Array, "... m"]:
    """``v^H matrix^-1 v`` of vectors, for a positive definite matrix."""
    if matrix.shape[-1] <= SMALL:
        return _weighed_by_entries(matrix, vectors)
    root = lax.linalg.cholesky(matrix, symmetrize_input=False)
    half = lax.linalg.triangular_solve(root, jnp.swapaxes(vectors, -1, -2), left_side=True, lower=True)
    return jnp.sum(half.real**2 + half.imag**2, axis=-2)


def _weighed_by_entries(matrix: Complex[Array, "... n n"], vectors: Complex[Array, "... m n"]) -> Float[Array, "... m"]:
    size = matrix.shape[-1]
    root: dict[tuple[int, int], Array] = {}
    for j in range(size):
        left = matrix[..., j, j].real
        for k in range(j):
            left = left - jnp.abs(root[j, k]) ** 2
        root[j, j] = jnp.sqrt(left)
        for i in range(j + 1, size):
            left = matrix[..., i, j]
            for k in range(j):
                left = left - root[i, k] * root[j, k].conj()
            root[i, j] = left / root[j, j]
    half: list[Array] = []
    for i in range(size):
        left = vectors[..., i]
        for k in range(i):
            left = left - root[i, k][..., None] * half[k]
        half.append(left / root[i, i][..., None])
    return jnp.sum(jnp.stack([one.real**2 + one.imag**2 for one in half]), axis=0)
