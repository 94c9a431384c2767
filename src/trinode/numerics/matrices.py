"""Small complex matrices, batched over their leading axes."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex


def product(left: Complex[Array, "... m n"], right: Complex[Array, "... n l"]) -> Complex[Array, "... m l"]:
    """Product of matrices, written out where it is with or of vectors: there that is quicker than the library's."""
    if left.shape[-1] == 1:
        return left * right
    if right.shape[-1] == 1:
        return jnp.sum(left * jnp.swapaxes(right, -1, -2), axis=-1, keepdims=True)
    return jnp.matmul(left, right)


def hermitian_inverse(matrix: Complex[Array, "... n n"]) -> Complex[Array, "... n n"]:
    """Inverse of a positive definite matrix."""
    root = lax.linalg.cholesky(matrix, symmetrize_input=False)
    unit = jnp.broadcast_to(jnp.eye(matrix.shape[-1], dtype=matrix.dtype), matrix.shape)
    half = lax.linalg.triangular_solve(root, unit, left_side=True, lower=True)
    return jnp.matmul(half.conj().swapaxes(-1, -2), half)
