"""A scenario as the schemes see it: noise divided out, time of each tier, the echo model, costs of every choice."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.computing import assignment
from trinode.radio.streams import Uplink
from trinode.sensing.echo import EchoModel
from trinode.systems.threetier.model import ratio
from trinode.systems.threetier.scenario import ThreetierScenario

LOCAL, EDGE, CLOUD = 0, 1, 2
"""Where a terminal computes."""

KINDS = {"": (LOCAL, EDGE, CLOUD), "edge": (LOCAL, EDGE), "local": (LOCAL,)}
"""Families of decisions: where terminals may compute."""


class Decision(NamedTuple):
    """Where each terminal computes and, if elsewhere, through which access point; the sum of latencies, s."""

    mode: Int[Array, " K"]
    target: Int[Array, " K"]
    latency: Float[Array, ""]


class Tiers(eqx.Module):
    """Preprocessed scenario.

    Attributes
    ----------
    channel : (K, M, A, T)
        Uplink divided by the noise amplitude.
    gain, direction : (K, M), (K, M, T)
        Largest gain of each link per watt without interference, and the beam of norm 1 that has it.
    edge_s, cloud_s, local_s : (K,)
        Time of everything but the upload; infinite where impossible (a terminal whose processor alone exceeds its
        power limit cannot compute itself).
    own_cpu_w : (K,)
        Power of local computing.
    echo : EchoModel
        With the full power of every terminal.
    """

    scenario: ThreetierScenario
    channel: Complex[Array, "K M A T"]
    gain: Float[Array, "K M"]
    direction: Complex[Array, "K M T"]
    edge_s: Float[Array, " K"]
    cloud_s: Float[Array, " K"]
    local_s: Float[Array, " K"]
    own_cpu_w: Float[Array, " K"]
    echo: EchoModel

    def budget(self, mode: Int[Array, " K"]) -> Float[Array, " K"]:
        """Power left to radiate (18d), W."""
        limit = self.scenario.terminal_max_power_w
        return jnp.where(mode == LOCAL, jnp.maximum(limit - self.own_cpu_w, 0.0), limit)

    def uplink(self, mode: Int[Array, " K"], target: Int[Array, " K"]) -> Uplink:
        """The streams of a decision: one per terminal."""
        return Uplink(self.channel, target[:, None], (mode != LOCAL)[:, None])

    def upload_s(self, nats: Float[Array, "..."], bits: Float[Array, "..."]) -> Float[Array, "..."]:
        """Time of an upload at a spectral efficiency in nat/s/Hz."""
        return ratio(bits, self.scenario.bandwidth_hz / jnp.log(2.0) * nats)

    def alone(self) -> Float[Array, "K M"]:
        """Largest spectral efficiency of each link, no interference, nat/s/Hz."""
        return jnp.log1p(self.scenario.terminal_max_power_w[:, None] * self.gain)

    def choose(
        self, nats: Float[Array, "K M"], kinds: tuple[int, ...] = KINDS[""], local: Bool[Array, " K"] | None = None
    ) -> Decision:
        """Best offloading for given spectral efficiencies, exactly.

        Parameters
        ----------
        kinds : tuple of int
            Where terminals may compute.
        local : (K,) bool, optional
            Who may compute itself; everyone where absent.
        """
        own = self.local_s if local is None else jnp.where(local, self.local_s, jnp.inf)
        return self.place(self.upload_s(nats, self.scenario.task_bits[:, None]), own, kinds)

    def place(self, upload: Float[Array, "K M"], own: Float[Array, " K"], kinds: tuple[int, ...]) -> Decision:
        """Best offloading for given costs of every link and of computing at the terminal, s, exactly."""
        s = self.scenario
        never = jnp.full(s.terminals, jnp.inf)
        edge = upload + (self.edge_s if EDGE in kinds else never)[:, None]
        own = own if LOCAL in kinds else never
        best = jnp.argmin(upload, axis=1)
        cloud = jnp.min(upload, axis=1) + (self.cloud_s if CLOUD in kinds else never)
        found = assignment.assign(
            edge, jnp.minimum(own, cloud), s.edge_frequency_hz, s.edge_capacity_hz, even=s.even_edge
        )
        at_edge = found.place < s.access_points
        mode = jnp.where(at_edge, EDGE, jnp.where(cloud < own, CLOUD, LOCAL))
        return Decision(mode, jnp.where(at_edge, found.place, best), found.total)

    def latency(self, mode: Int[Array, " K"], target: Int[Array, " K"], nats: Float[Array, " K"]) -> Float[Array, ""]:
        """Sum of latencies of a decision at the spectral efficiencies of the chosen links."""
        upload = self.upload_s(nats, self.scenario.task_bits)
        away = upload + jnp.where(mode == EDGE, self.edge_s, self.cloud_s)
        return jnp.sum(jnp.where(mode == LOCAL, self.local_s, away))


def tiers(s: ThreetierScenario) -> Tiers:
    """Preprocess a scenario."""
    cycles = s.cycles_per_bit * s.task_bits
    own_cpu = s.terminal_capacitance * s.terminal_frequency_hz**3
    local = ratio(cycles, s.terminal_frequency_hz)  # (10)
    echo = EchoModel.build(
        s.terminal_channel,
        s.echo_gain,
        s.transmit_steering,
        s.receive_steering,
        s.radar_noise_w,
        s.terminal_max_power_w,
    )
    channel = s.uplink_channel / jnp.sqrt(s.ap_noise_w)[:, None, None]
    gains, directions = jnp.linalg.eigh(jnp.sum(channel.conj()[..., :, None] * channel[..., None, :], axis=2))
    return Tiers(
        scenario=s,
        channel=channel,
        gain=jnp.maximum(gains[..., -1], 0.0),
        direction=directions[..., -1],
        edge_s=ratio(cycles, s.edge_frequency_hz),  # (12)
        cloud_s=ratio(s.task_bits, s.backhaul_bps) + ratio(cycles, s.cloud_frequency_hz),  # (15)
        local_s=jnp.where(own_cpu <= s.terminal_max_power_w, local, jnp.inf),  # (11), (18d)
        own_cpu_w=own_cpu,
        echo=echo,
    )
