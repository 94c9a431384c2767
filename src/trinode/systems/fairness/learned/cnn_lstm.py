"""The paper's network (Sections IV and V): convolution, pooling, LSTM, dense layer, for one size of network.

32 filters of 3 x 3 over access points and terminals, batch normalisation, pooling of 2 x 2, an LSTM of 50 units that
sees the flattened map as a sequence of length one, and a dense layer to power fractions and offloading ratios, both
scaled to their ranges over the training set. A sequence of one step begins at a state of zero, so the forget gate has
nothing to forget and is left out. The input is the logarithm of the channels' magnitudes at full power over the
noise, so that units do not matter: their own range is wider than what a convolution can tell apart.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from trinode.systems.fairness.learned import Weights

TERMINALS, ANTENNAS = 10, 64
FILTERS, UNITS = 32, 50


def fresh(rng: np.random.Generator) -> Weights:
    """Weights before training."""
    flat = FILTERS * (ANTENNAS // 2) * (TERMINALS // 2)

    def normal(*shape: int, fan: int) -> np.ndarray:
        return (rng.normal(size=shape) / np.sqrt(fan)).astype(np.float32)

    return {
        "filters": normal(FILTERS, 1, 3, 3, fan=9),
        "scale": np.ones(FILTERS, np.float32),
        "shift": np.zeros(FILTERS, np.float32),
        "gates": normal(flat, 3 * UNITS, fan=flat),
        "gates_shift": np.zeros(3 * UNITS, np.float32),
        "dense": normal(UNITS, 2 * TERMINALS, fan=UNITS),
        "dense_shift": np.full(2 * TERMINALS, 0.5, np.float32),
    }


def amplitudes(uplink: Array, max_power_w: Array, noise_w: Array) -> Float[Array, "n K antennas"]:
    """Amplitudes over the noise of channels (n, K, M, A) at full power (K,) and noise (M,)."""
    heard = jnp.abs(uplink) * jnp.sqrt(max_power_w[:, None, None] / noise_w[:, None])
    return heard.reshape(*heard.shape[:2], -1)


def features(magnitude: Array, centre: Any, width: Any) -> Float[Array, "n antennas terminals"]:
    """Standardised logarithms of :func:`amplitudes`, smaller networks filled up with the centre."""
    seen = magnitude > 0
    value = jnp.where(seen, (jnp.log(jnp.where(seen, magnitude, 1.0)) - centre) / width, 0.0)
    missing = (0, 0), (0, TERMINALS - magnitude.shape[1]), (0, ANTENNAS - magnitude.shape[2])
    return jnp.pad(value, missing).swapaxes(1, 2).astype(jnp.float32)


def outputs(
    w: Any, x: Float[Array, "n antennas terminals"], statistics: Any = None
) -> tuple[Array, tuple[Array, Array]]:
    """Scaled powers and ratios (n, 2 K), and the mean and variance of each filter over the batch.

    ``statistics`` normalise where they are given; those of the batch do in training.
    """
    y = lax.conv_general_dilated(x[:, None], w["filters"], (1, 1), "SAME")
    batch = y.mean(axis=(0, 2, 3)), y.var(axis=(0, 2, 3))
    mean, variance = batch if statistics is None else statistics
    y = (y - mean[:, None, None]) / jnp.sqrt(variance[:, None, None] + 1e-5)
    y = jax.nn.relu(y * w["scale"][:, None, None] + w["shift"][:, None, None])
    n, f, a, k = y.shape
    y = y.reshape(n, f, a // 2, 2, k // 2, 2).max(axis=(3, 5)).reshape(n, -1)
    enter, cell, leave = jnp.split(y @ w["gates"].astype(jnp.float32) + w["gates_shift"], 3, axis=1)
    state = jax.nn.sigmoid(leave) * jnp.tanh(jax.nn.sigmoid(enter) * jnp.tanh(cell))
    return state @ w["dense"] + w["dense_shift"], batch


def decide(w: Any, magnitude: Array) -> tuple[Float[Array, "n K"], Float[Array, "n K"]]:
    """Power fractions and offloading ratios for :func:`amplitudes`, within the ranges seen in training."""
    x = features(magnitude, w["centre"], w["width"])
    out, _ = outputs(w, x, (w["mean"], w["variance"]))
    value = w["low"] + jnp.clip(out, 0.0, 1.0) * (w["high"] - w["low"])
    k = magnitude.shape[1]
    return value[:, :k].astype(float), value[:, TERMINALS : TERMINALS + k].astype(float)
