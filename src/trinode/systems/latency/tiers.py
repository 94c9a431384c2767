"""The latency system as its tiers see it: links, edge pool, cloud pool, echoes, all derived from a scenario."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.computing.pool import Pool
from trinode.radio import clusters
from trinode.radio.streams import Uplink
from trinode.sensing.echo import EchoModel
from trinode.systems.latency.scenario import LatencyScenario

LOCAL, EDGE, CLOUD = 0, 1, 2
"""Where a terminal computes."""


class Tiers(eqx.Module):
    """A scenario in compact form: S links per terminal instead of M.

    Attributes
    ----------
    index, linked : (K, S)
        Access point of each link; links that exist and have a channel.
    uplink : Uplink
        S data streams per terminal and one sensing stream at the end.
    direction : (K, S, T), snr : (K, S)
        Strongest transmit direction of each link and its SNR there at full power.
    local_frequency_hz, local_s, local_limit_s : (K,)
        Frequency and latency of local computing with half the power kept for the radar where the CPU could take more,
        and the latency if it could take all.
    """

    scenario: LatencyScenario
    index: Int[Array, "K S"]
    linked: Bool[Array, "K S"]
    uplink: Uplink
    echo: EchoModel
    direction: Complex[Array, "K S T"]
    snr: Float[Array, "K S"]
    local_frequency_hz: Float[Array, " K"]
    local_s: Float[Array, " K"]
    local_limit_s: Float[Array, " K"]

    def budget(self, local: Bool[Array, " K"]) -> Float[Array, " K"]:
        """Power left to radiate where those of a set compute at home, W (23c)."""
        s = self.scenario
        spent = s.terminal_capacitance * self.local_frequency_hz**3
        return s.terminal_max_power_w - jnp.where(local, spent, 0.0)

    def keeping(self, local: Bool[Array, " K"]) -> Tiers:
        """The same where that is all the power that echoes may take."""
        return eqx.tree_at(lambda t: t.echo.max_power_w, self, self.budget(local))

    @property
    def edge_able(self) -> Bool[Array, "K S"]:
        """Links over which an edge server can be used."""
        s = self.scenario
        server = (s.edge_max_frequency_hz > 0) & ((s.ap_max_power_w > 0) | (s.edge_capacitance == 0))
        free = s.edge_cycles_per_bit == 0
        return self.linked & (server | free)[self.index] & (s.terminal_max_power_w > 0)[:, None]

    @property
    def cloud_able(self) -> Bool[Array, "K S"]:
        """Links over which the cloud can be used."""
        s = self.scenario
        server = (s.cloud_max_frequency_hz > 0) | (s.cloud_cycles_per_bit == 0)
        return self.linked & (s.fronthaul_max_bps > 0)[self.index] & (s.terminal_max_power_w > 0)[:, None] & server

    def edge_pool(
        self,
        chosen: Bool[Array, " K"],
        rate_nat: Float[Array, "K S"] | None,
        received_w: Float[Array, " M"] | float = 0.0,
    ) -> Pool:
        """Edge tier for the chosen terminals, at given rates (nat/s/Hz) or, with None, without interference."""
        s = self.scenario
        usable = self.edge_able & chosen[:, None] & (s.task_bits > 0)[:, None]
        frequency = jnp.where(s.edge_max_frequency_hz > 0, s.edge_max_frequency_hz, 1.0)
        budget = s.ap_max_power_w - received_w
        budget = jnp.where(budget > 0, budget, 1e-12 * jnp.where(s.ap_max_power_w > 0, s.ap_max_power_w, 1.0))
        work = s.edge_cycles_per_bit[self.index] * s.task_bits[:, None]
        return self._pool(
            usable,
            rate_nat,
            cost=work / frequency[self.index],
            cubic=(s.edge_capacitance * frequency**3 / budget)[self.index],
            serial=jnp.zeros_like(s.task_bits),
        )

    def cloud_pool(self, chosen: Bool[Array, " K"], rate_nat: Float[Array, "K S"] | None) -> Pool:
        """Cloud tier for the chosen terminals, at given rates (nat/s/Hz) or, with None, without interference."""
        s = self.scenario
        usable = self.cloud_able & chosen[:, None] & (s.task_bits > 0)[:, None]
        fronthaul = jnp.where(s.fronthaul_max_bps > 0, s.fronthaul_max_bps, 1.0)
        cloud = jnp.where(s.cloud_max_frequency_hz > 0, s.cloud_max_frequency_hz, 1.0)
        return self._pool(
            usable,
            rate_nat,
            cost=s.task_bits[:, None] / fronthaul[self.index],
            cubic=jnp.zeros_like(self.snr),
            serial=s.cloud_cycles_per_bit * s.task_bits / cloud,
        )

    def pool(
        self,
        modes: Int[Array, " K"],
        rate_nat: Float[Array, "K S"] | None,
        received_w: Float[Array, " M"] | float = 0.0,
    ) -> Pool:
        """Both tiers as one, each terminal in its own: the edge servers first, then the fronthauls."""
        on_edge, on_cloud = modes == EDGE, modes == CLOUD
        edge, cloud = self.edge_pool(on_edge, rate_nat, received_w), self.cloud_pool(on_cloud, rate_nat)
        count = self.scenario.access_points

        def own(a: Array, b: Array) -> Array:
            return jnp.where(on_edge.reshape(-1, *[1] * (a.ndim - 1)), a, b)

        whole = jax.tree.map(own, edge, replace(cloud, index=cloud.index + count))
        return replace(whole, pools=2 * count)

    def _pool(self, usable: Bool[Array, "K S"], rate_nat: Float[Array, "K S"] | None, *, cost, cubic, serial) -> Pool:
        s = self.scenario
        load = (s.task_bits * jnp.log(2.0) / s.bandwidth_hz)[:, None]
        if rate_nat is None:
            upload, snr = load * jnp.ones_like(self.snr), self.snr
        else:
            usable = usable & (rate_nat > 1e-12)
            upload, snr = load / jnp.where(usable, rate_nat, 1.0), None
        return Pool(self.index, usable, upload, cost, cubic, serial, snr, pools=s.access_points)


@jax.jit
def tiers(scenario: LatencyScenario) -> Tiers:
    """Derive the compact form of a scenario."""
    s = scenario
    k = s.uplink_channel.shape[0]
    channel = s.uplink_channel / jnp.sqrt(s.ap_noise_w)[None, :, None, None]
    index, linked = clusters.links(s.serving, s.cluster_size or s.access_points)
    own = jnp.take_along_axis(channel, index[:, :, None, None], axis=1)
    gram = jnp.sum(own.conj()[..., :, None] * own[..., None, :], axis=2)
    value, vector = jnp.linalg.eigh(gram)
    gain, direction = jnp.maximum(value[..., -1], 0.0), vector[..., -1]
    linked = linked & (jnp.trace(gram, axis1=2, axis2=3).real > 0)
    target = jnp.concatenate([index, jnp.zeros((k, 1), index.dtype)], axis=1)
    useful = jnp.concatenate([linked, jnp.zeros((k, 1), bool)], axis=1)
    noise = s.radar_noise_w * s.terminal_channel.shape[2]
    echo = EchoModel.build(
        s.terminal_channel,
        s.echo_gain,
        s.transmit_steering,
        s.receive_steering,
        noise,
        s.terminal_max_power_w,
    )
    # a terminal that computes itself leaves at least half of its power to its radar
    cube = 0.5 * s.terminal_max_power_w / jnp.where(s.terminal_capacitance > 0, s.terminal_capacitance, 1.0)
    capped = jnp.where(s.terminal_capacitance > 0, jnp.cbrt(cube), jnp.inf)
    cycles = s.terminal_cycles_per_bit * s.task_bits
    frequency = jnp.where(cycles > 0, jnp.minimum(s.terminal_max_frequency_hz, capped), 0.0)

    def time(frequency: Float[Array, " K"]) -> Float[Array, " K"]:
        spent = jnp.where(cycles > 0, cycles / jnp.where(frequency > 0, frequency, 1.0), 0.0)
        return jnp.where((cycles > 0) & (frequency <= 0), jnp.inf, spent)

    local = time(frequency)
    local_limit = time(jnp.minimum(s.terminal_max_frequency_hz, jnp.cbrt(2.0) * capped))  # nothing left to radiate
    return Tiers(
        s,
        index,
        linked,
        Uplink(channel, target, useful),
        echo,
        direction,
        gain * s.terminal_max_power_w[:, None],
        frequency,
        local,
        local_limit,
    )
