"""Tasks that are divided over the terminal, edge servers and a cloud, at the rates of an air."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from trinode.compose.expression import Expression, Shape
from trinode.compose.part import Part, real
from trinode.compose.units import Unit
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class Offloading(Part):
    """Each task is divided at will over places that work on it side by side; the last one to end gives the latency.

    A share of a task computed at the terminal takes ``share * bits * cycles_per_bit / local_hz``; at the edge server
    behind link m it takes ``share * bits * (1 / rate[k, m] + cycles_per_bit / edge[k, m])``, in the cloud over the same
    link ``share * bits * (1 / rate[k, m] + 1 / fronthaul[k, m] + cycles_per_bit / cloud[k])``. The processors of a
    server, of the cloud, and of each fronthaul are divided among the terminals.

    Parameters
    ----------
    rate_bps : Expression
        Rates of the links in bit/s, (K, M), or (K,) where there is one way out.
    bits, cycles_per_bit : float or (K,)
        Of the tasks.
    local_hz : float or (K,)
        Processors of the terminals, cycle/s; 0 where a terminal does not compute.
    edge_hz : float or (M,)
        Processors of the edge servers, cycle/s; 0 where there is none.
    cloud_hz, fronthaul_bps : float, float or (M,)
        Of the cloud, cycle/s, and of the links to it, bit/s; 0 where there is none.
    capacitance : float
        A terminal spends ``capacitance * local_hz**2`` J per cycle.
    power_w : Expression, optional
        What the terminals radiate, (K,), W; they do so until their last bit is sent.

    Raises
    ------
    InputError
        A wrong shape or unit, a number out of its range, a task that nobody can compute.

    Notes
    -----
    Quantities, all (K,): ``latency_s``; ``upload_s``, until the last bit is sent; ``energy_j`` of the terminal,
    computing and sending; ``local_share``. Decisions: ``local_share`` (K,), ``edge_share`` and ``cloud_share`` (K, M),
    ``edge_frequency_hz`` (K, M), ``cloud_frequency_hz`` (K,), ``fronthaul_bps`` (K, M).
    """

    word: ClassVar[str] = "work"
    ambiguous: ClassVar[bool] = True
    rate_bps: Any
    power_w: Any
    bits: Float[Array, " K"]
    cycles_per_bit: Float[Array, " K"]
    local_hz: Float[Array, " K"]
    edge_hz: Float[Array, " M"]
    cloud_hz: Float[Array, ""]
    fronthaul: Float[Array, " M"]
    capacitance: Float[Array, ""]
    links: int = eqx.field(static=True)
    has_cloud: bool = eqx.field(static=True)

    def __init__(
        self,
        rate_bps: Expression,
        bits: Any,
        cycles_per_bit: Any,
        local_hz: Any = 0.0,
        edge_hz: Any = 0.0,
        cloud_hz: Any = 0.0,
        fronthaul_bps: Any = 0.0,
        capacitance: Any = 0.0,
        power_w: Expression | None = None,
    ) -> None:
        for name, given, unit in (("rate_bps", rate_bps, "bit/s"), ("power_w", power_w, "W")):
            if given is None and name == "power_w":
                continue
            if not isinstance(given, Expression) or given.unit != Unit.of(unit):
                raise InputError(name, getattr(given, "unit", given), f"an expression in {unit}")
        if len(rate_bps.shape) not in (1, 2):
            raise InputError("rate_bps", f"shape {rate_bps.shape}", "(terminals,) or (terminals, links)")
        self.rate_bps, self.power_w = rate_bps, power_w
        terminals, self.links = (*rate_bps.shape, 1)[:2]
        if power_w is not None and power_w.shape != (terminals,):
            raise InputError("power_w", f"shape {power_w.shape}", f"({terminals},)")

        def each(name: str, value: Any, count: int, above: bool = False) -> Any:
            found = real(name, value, (count,) if np.ndim(value) else (), 0.0, above)
            return np.broadcast_to(found, (count,)).copy()

        self.bits = each("bits", bits, terminals, True)
        self.cycles_per_bit = each("cycles_per_bit", cycles_per_bit, terminals, True)
        self.local_hz = each("local_hz", local_hz, terminals)
        self.edge_hz = each("edge_hz", edge_hz, self.links)
        self.cloud_hz = real("cloud_hz", cloud_hz, (), 0.0)
        self.fronthaul = each("fronthaul_bps", fronthaul_bps, self.links)
        self.capacitance = real("capacitance", capacitance, (), 0.0)
        self.has_cloud = bool(self.cloud_hz > 0)
        if self.has_cloud and not np.any(self.fronthaul > 0):
            raise InputError("fronthaul_bps", 0.0, "a rate above 0 to the cloud")
        idle = np.flatnonzero((self.local_hz == 0) & (not np.any(self.edge_hz > 0)) & (not self.has_cloud))
        if idle.size:
            raise InputError("local_hz", f"0 for terminal {idle[0]}, and no server", "somewhere to compute")

    @property
    def _terminals(self) -> int:
        return len(self.bits)

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        each = (self._terminals,)
        return {"latency_s": (each, "s"), "upload_s": (each, "s"), "energy_j": (each, "J"), "local_share": (each, "1")}

    @property
    def _sizes(self) -> list[int]:
        """Variables: leanings of the shares, of the edge servers, and of cloud and fronthauls."""
        spread = self._terminals * self.links
        places = 1 + self.links * (1 + self.has_cloud)
        return [self._terminals * places, spread, *((self._terminals, spread) if self.has_cloud else ())]

    @property
    def size(self) -> int:
        return sum(self._sizes)

    def starts(self, aims: Any, avoided: Any) -> list[Any]:
        """Servers divided evenly, and the places of a task end together."""
        return [jnp.ones(self.size)]

    def decide(self, x: Any) -> dict[str, Any]:
        """Squares, so that what is worth nothing comes to nothing: of shares, and of how late places end."""
        parts = jnp.split(x**2, np.cumsum(self._sizes)[:-1])
        shape = self._terminals, self.links

        def divided(part: Any) -> Any:
            return part / jnp.sum(part, axis=0)

        found = {"lean": parts[0].reshape(self._terminals, -1)}
        found["edge_frequency_hz"] = self.edge_hz * divided(parts[1].reshape(shape))
        if self.has_cloud:
            found["cloud_frequency_hz"] = self.cloud_hz * divided(parts[2])
            found["fronthaul_bps"] = self.fronthaul * divided(parts[3].reshape(shape))
        return found

    def _speeds(self, decision: Mapping[str, Any], rate: Any, xp: Any) -> Any:
        """Tasks per second of each place, (K, places): here, at the edge, in the cloud."""
        rate = rate.reshape(self._terminals, self.links)
        bits, cycles = self.bits[:, None], (self.bits * self.cycles_per_bit)[:, None]

        def series(*stages: tuple[Any, Any]) -> Any:
            """One over the time of stages after each other, (load, pace) each; 0 where one of them stands still."""
            moves = xp.ones_like(rate)
            for _, pace in stages:
                moves = moves * (pace > 0)
            time = sum(load / xp.where(moves > 0, pace, 1.0) for load, pace in stages)
            return moves / time

        speeds = [self.local_hz[:, None] / cycles, series((bits, rate), (cycles, decision["edge_frequency_hz"]))]
        if self.has_cloud:
            cloud = decision["cloud_frequency_hz"][:, None] + xp.zeros_like(rate)
            speeds.append(series((bits, rate), (bits, decision["fronthaul_bps"]), (cycles, cloud)))
        return xp.concatenate(speeds, axis=1)

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        rate = scope(self.rate_bps)
        speeds = self._speeds(decision, rate, jnp)
        # each place ends at a time of its own, whose leaning says by how much it differs from the others'
        lean = decision["lean"]
        ends = lean / jnp.sum(speeds * lean, axis=1, keepdims=True)
        shares = speeds * ends
        used = jnp.where(speeds > 0, ends, 1e-9 * jnp.min(ends, axis=1, keepdims=True))
        latency = scope.largest("latency", used, axis=1)
        links = rate.reshape(self._terminals, self.links)
        away = shares[:, 1:].reshape(self._terminals, -1, self.links).sum(axis=1)
        sent = self.bits[:, None] * away / jnp.where(links > 0, links, 1.0)
        upload = scope.largest("upload", jnp.maximum(sent, 1e-12 * latency[:, None]), axis=1)
        cycles = self.bits * self.cycles_per_bit
        energy = self.capacitance * self.local_hz**2 * cycles * shares[:, 0]
        if self.power_w is not None:
            energy = energy + scope(self.power_w) * upload
        return {"latency_s": latency, "upload_s": upload, "energy_j": energy, "local_share": shares[:, 0]}

    def shown(self, decision: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: value for name, value in decision.items() if name != "lean"}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        rates = np.asarray(scope(self.rate_bps)).reshape(self._terminals, self.links)
        speeds = self._speeds(decision, rates, np)
        shares = speeds * decision["lean"] / np.sum(speeds * decision["lean"], axis=1, keepdims=True)
        terminals = self._terminals
        latency, upload, energy = (np.zeros(terminals) for _ in range(3))
        power = np.zeros(terminals) if self.power_w is None else np.asarray(scope(self.power_w))
        for k in range(terminals):
            bits, cycles = self.bits[k], self.bits[k] * self.cycles_per_bit[k]
            sent = np.zeros(self.links)
            if shares[k, 0] > 0:
                latency[k] = shares[k, 0] * cycles / self.local_hz[k]
                energy[k] = self.capacitance * self.local_hz[k] ** 2 * shares[k, 0] * cycles
            for m in range(self.links):
                edge = shares[k, 1 + m]
                cloud = shares[k, 1 + self.links + m] if self.has_cloud else 0.0
                if edge > 0:
                    time = edge * (bits / rates[k, m] + cycles / decision["edge_frequency_hz"][k, m])
                    latency[k] = max(latency[k], time)
                if cloud > 0:
                    time = cloud * (bits / rates[k, m] + bits / decision["fronthaul_bps"][k, m])
                    latency[k] = max(latency[k], time + cloud * cycles / decision["cloud_frequency_hz"][k])
                if edge + cloud > 0:
                    sent[m] = (edge + cloud) * bits / rates[k, m]
            upload[k] = sent.max()
            energy[k] += power[k] * upload[k]
        return {"latency_s": latency, "upload_s": upload, "energy_j": energy, "local_share": shares[:, 0]}

    def limits(self, decision: Mapping[str, np.ndarray]) -> dict[str, float]:
        pools = [("edge servers", "edge_frequency_hz", self.edge_hz)]
        if self.has_cloud:
            pools.append(("cloud", "cloud_frequency_hz", self.cloud_hz))
            pools.append(("fronthaul", "fronthaul_bps", self.fronthaul))
        found = {}
        for name, slices, whole in pools:
            share = decision[slices] / np.where(whole > 0, whole, 1.0)
            most = np.where(whole > 0, 1.0, 0.0)
            found[name] = float(max(np.max(share.sum(axis=0) - most), -np.min(share)))
        return found

    def relax(self, view: View) -> None:
        """Where the places of a task end together, their speeds add; a joule computes and sends only so much."""
        from trinode.compose import offloading_relaxed

        offloading_relaxed.state(self, view)

    def __str__(self) -> str:
        places = ["at the terminal"] if np.any(np.asarray(self.local_hz) > 0) else []
        places += [f"at {self.links} edge servers"] if np.any(np.asarray(self.edge_hz) > 0) else []
        places += ["in the cloud"] if self.has_cloud else []
        return f"{self._terminals} tasks, each divided over " + ", ".join(places)
