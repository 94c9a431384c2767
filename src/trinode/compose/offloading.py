"""Tasks that are divided over the terminal, edge servers and a cloud, at the rates of an air."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from trinode.compose.expression import Expression, Shape
from trinode.compose.part import Numbers, Part, real, with_fields
from trinode.compose.units import Unit
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class Offloading(Part):
    """Each task is divided at will over places that work on it side by side; the last one to end gives the latency.

    A share of a task computed at the terminal takes ``share * bits * cycles_per_bit / local_hz``; at the edge server
    behind link m it takes ``share * bits * (1 / rate[k, m] + cycles_per_bit / edge[k, m])``. The cloud begins when its
    share has arrived, which takes ``share[k, m] * bits * (1 / rate[k, m] + 1 / fronthaul[k, m])`` over link m, alike
    over all links that it is spread over, and then takes ``share * bits * cycles_per_bit / cloud[k]``. Edge servers
    (unless ``dedicated``), the cloud, and each fronthaul are divided among the terminals.

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
    capacitance : float or (K,)
        A terminal spends ``capacitance * local**2`` J per cycle.
    power_w : Expression, optional
        What the terminals radiate, (K,), W; they do so until their last bit is sent.
    edge_capacitance : float, (M,) or (K, M)
        An edge server spends ``edge_capacitance * edge**2`` J per cycle.
    throttled : bool
        Whether terminals and edge servers may run slower than they can.
    dedicated : bool
        Whether each terminal has edge servers of its own, ``edge_hz`` each, instead of a part of those of all.
    places : (K, 3) bool, optional
        Whether a task may be computed at the terminal, at edge servers, in the cloud; it is whole where only one is
        allowed. All if absent.

    Raises
    ------
    InputError
        A wrong shape or unit, a number out of its range, a task that nobody can compute.

    Notes
    -----
    Quantities of tasks, (K,): ``latency_s``; ``upload_s``, until the last bit is sent; ``energy_j`` of the terminal,
    computing and sending; ``edge_energy_j`` of the edge servers; ``local_share``. By link, (K, M): ``edge_share`` and,
    with a cloud, ``cloud_share``. Power of processors, W: ``local_power_w`` (K,), ``edge_power_w`` (M,). Decisions:
    ``local_frequency_hz`` (K,), ``edge_frequency_hz`` (K, M), ``cloud_frequency_hz`` (K,), ``fronthaul_bps`` (K, M).
    """

    word: ClassVar[str] = "work"
    rate_bps: Any
    power_w: Any
    bits: Float[Numbers, " K"]
    cycles_per_bit: Float[Numbers, " K"]
    local_hz: Float[Numbers, " K"]
    edge_hz: Float[Numbers, " M"]
    cloud_hz: Float[Numbers, ""]
    fronthaul: Float[Numbers, " M"]
    capacitance: Float[Numbers, " K"]
    edge_capacitance: Float[Numbers, "K M"]
    places: Bool[Numbers, "K 3"]
    links: int = eqx.field(static=True)
    has_cloud: bool = eqx.field(static=True)
    throttled: bool = eqx.field(static=True)
    together: bool = eqx.field(static=True)
    dedicated: bool = eqx.field(static=True)

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
        edge_capacitance: Any = 0.0,
        throttled: bool = False,
        places: Any = None,
        dedicated: bool = False,
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
        self.capacitance = each("capacitance", capacitance, terminals)
        spent = np.broadcast_to(np.asarray(edge_capacitance, float), (terminals, self.links))
        self.edge_capacitance = real("edge_capacitance", spent.copy(), spent.shape, 0.0)
        self.throttled, self.dedicated, self.together = bool(throttled), bool(dedicated), False
        allowed = np.ones((terminals, 3), bool) if places is None else np.asarray(places)
        if allowed.shape != (terminals, 3) or allowed.dtype != bool:
            raise InputError("places", f"{allowed.dtype} of shape {allowed.shape}", f"bool of shape {(terminals, 3)}")
        self.places = allowed
        self.has_cloud = bool(self.cloud_hz > 0)
        if self.has_cloud and not np.any(self.fronthaul > 0):
            raise InputError("fronthaul_bps", 0.0, "a rate above 0 to the cloud")
        there = np.stack(
            [self.local_hz > 0, *(np.full(terminals, one) for one in (np.any(self.edge_hz > 0), self.has_cloud))]
        )
        idle = np.flatnonzero(~np.any(there.T & allowed, axis=1))
        if idle.size:
            raise InputError("local_hz", f"0 for terminal {idle[0]}, and no server", "somewhere to compute")

    @property
    def ambiguous(self) -> bool:
        return True

    @property
    def _terminals(self) -> int:
        return len(self.bits)

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        each, links = (self._terminals,), (self._terminals, self.links)
        times = dict.fromkeys(("latency_s", "upload_s"), (each, "s"))
        energies = dict.fromkeys(("energy_j", "edge_energy_j"), (each, "J"))
        shares = {"local_share": (each, "1"), "edge_share": (links, "1")}
        shares |= {"cloud_share": (links, "1")} if self.has_cloud else {}
        return times | energies | shares | {"local_power_w": (each, "W"), "edge_power_w": ((self.links,), "W")}

    @property
    def _sizes(self) -> list[int]:
        """Variables: leanings of the shares, of edge servers (and their rest), cloud and fronthauls; throttles."""
        k, m = self._terminals, self.links
        edge = k * m * self.throttled if self.dedicated else (k + self.throttled) * m
        cloud = [k, k * m] if self.has_cloud else []
        leaning = 0 if self.together else k * (1 + m + self.has_cloud)
        return [leaning, edge, *cloud, *([k] if self.throttled else [])]

    @property
    def size(self) -> int:
        return sum(self._sizes)

    def asked(self, names: frozenset[str]) -> Part:
        """Where nobody asks what tasks cost, all places of a task end together: nothing is quicker."""
        return with_fields(self, {"together": names <= {"latency_s", "local_power_w", "edge_power_w"}})

    def starts(self, aims: Any, avoided: Any) -> list[Any]:
        """Servers divided evenly, and the places of a task end together."""
        return [jnp.ones(self.size)]

    def decide(self, x: Any) -> dict[str, Any]:
        """Squares, so that what is worth nothing comes to nothing: of shares, and of how late places end."""
        parts = jnp.split(x**2, np.cumsum(self._sizes)[:-1])
        here, edge, cloud = self.places[:, 0], self.places[:, 1:2], self.places[:, 2:]

        def divided(part: Any, allowed: Any) -> Any:
            """What is left over, where there may be such, is the last row."""
            own = jnp.where(allowed, part[: self._terminals], 0.0)
            whole = jnp.sum(own, axis=0) + jnp.sum(part[self._terminals :], axis=0)
            return own / jnp.where(whole > 0, whole, 1.0)

        even = jnp.ones((self._terminals, 1 + self.links + self.has_cloud))
        found = {"lean": even if self.together else parts[0].reshape(even.shape)}
        if self.dedicated:
            own = parts[1].reshape(-1, self.links)
            found["edge_frequency_hz"] = jnp.where(edge, self.edge_hz * (own / (1 + own) if own.size else 1.0), 0.0)
        else:
            found["edge_frequency_hz"] = self.edge_hz * divided(parts[1].reshape(-1, self.links), edge)
        if self.has_cloud:
            found["cloud_frequency_hz"] = self.cloud_hz * divided(parts[2], cloud[:, 0])
            found["fronthaul_bps"] = self.fronthaul * divided(parts[3].reshape(-1, self.links), cloud)
        slow = parts[-1] / (1 + parts[-1]) if self.throttled else 1.0
        found["local_frequency_hz"] = jnp.where(here, self.local_hz * slow, 0.0)
        return found

    def _speeds(self, decision: Mapping[str, Any], rate: Any, xp: Any) -> tuple[Any, Any]:
        """Tasks per second of each place, (K, places): here, at the edge, in the cloud; and of the links to it."""
        rate = rate.reshape(self._terminals, self.links)
        bits, cycles = self.bits[:, None], (self.bits * self.cycles_per_bit)[:, None]

        def series(*stages: tuple[Any, Any]) -> Any:
            """One over the time of stages after each other, (load, pace) each; 0 where one of them stands still."""
            moves = 1.0
            for _, pace in stages:
                moves = moves * (pace > 0)
            time = sum(load / xp.where(moves > 0, pace, 1.0) for load, pace in stages)
            return moves / time

        here = decision["local_frequency_hz"][:, None] / cycles
        edge = xp.where(self.places[:, 1:2], series((bits, rate), (cycles, decision["edge_frequency_hz"])), 0.0)
        if not self.has_cloud:
            return xp.concatenate([here, edge], axis=1), None
        links = xp.where(self.places[:, 2:], series((bits, rate), (bits, decision["fronthaul_bps"])), 0.0)
        arrive = xp.sum(links, axis=1, keepdims=True)
        cloud = series((1.0, arrive), (cycles, decision["cloud_frequency_hz"][:, None]))
        return xp.concatenate([here, edge, cloud], axis=1), links / xp.where(arrive > 0, arrive, 1.0)

    def _powers(self, decision: Mapping[str, Any], edge_share: Any, xp: Any) -> dict[str, Any]:
        """Nothing runs for a task of which it gets nothing."""
        local, edge = decision["local_frequency_hz"], xp.where(edge_share > 0, decision["edge_frequency_hz"], 0.0)
        edge = xp.sum(self.edge_capacitance * edge**3, axis=0)
        return {"local_power_w": self.capacitance * local**3, "edge_power_w": edge}

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        rate = scope(self.rate_bps)
        speeds, links = self._speeds(decision, rate, jnp)
        # each place ends at a time of its own, whose leaning says by how much it differs from the others'
        lean = decision["lean"]
        ends = lean / jnp.sum(speeds * lean, axis=1, keepdims=True)
        shares = speeds * ends
        used = jnp.where(speeds > 0, ends, 1e-9 * jnp.min(ends, axis=1, keepdims=True))
        latency = ends[:, 0] if self.together else scope.largest("latency", used, axis=1)
        found = {"local_share": shares[:, 0], "edge_share": shares[:, 1 : 1 + self.links]}
        if self.has_cloud:
            found["cloud_share"] = shares[:, -1:] * links
        paces = rate.reshape(self._terminals, self.links)
        away = found["edge_share"] + found.get("cloud_share", 0.0)
        sent = self.bits[:, None] * away / jnp.where(paces > 0, paces, 1.0)
        sent = jnp.maximum(sent, 1e-12 * latency[:, None])
        upload = jnp.max(sent, axis=1) if self.together else scope.largest("upload", sent, axis=1)
        cycles = self.bits * self.cycles_per_bit
        energy = self.capacitance * decision["local_frequency_hz"] ** 2 * cycles * shares[:, 0]
        if self.power_w is not None:
            energy = energy + scope(self.power_w) * upload
        served = self.edge_capacitance * decision["edge_frequency_hz"] ** 2 * found["edge_share"]
        found |= {"energy_j": energy, "edge_energy_j": cycles * jnp.sum(served, axis=1)}
        return found | {"latency_s": latency, "upload_s": upload} | self._powers(decision, found["edge_share"], jnp)

    def shown(self, decision: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: value for name, value in decision.items() if name != "lean"}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        rates = np.asarray(scope(self.rate_bps)).reshape(self._terminals, self.links)
        speeds, spread = self._speeds(decision, rates, np)
        shares = speeds * decision["lean"] / np.sum(speeds * decision["lean"], axis=1, keepdims=True)
        terminals = self._terminals
        edge_share = shares[:, 1 : 1 + self.links]
        cloud_share = shares[:, -1:] * spread if self.has_cloud else np.zeros_like(edge_share)
        local, edge_hz = decision["local_frequency_hz"], decision["edge_frequency_hz"]
        latency, upload, energy, served = (np.zeros(terminals) for _ in range(4))
        power = np.zeros(terminals) if self.power_w is None else np.asarray(scope(self.power_w))
        for k in range(terminals):
            bits, cycles = self.bits[k], self.bits[k] * self.cycles_per_bit[k]
            sent, arrived = np.zeros((2, self.links))
            if shares[k, 0] > 0:
                latency[k] = shares[k, 0] * cycles / local[k]
                energy[k] = self.capacitance[k] * local[k] ** 2 * shares[k, 0] * cycles
            for m in range(self.links):
                edge, cloud = edge_share[k, m], cloud_share[k, m]
                if edge > 0:
                    time = edge * (bits / rates[k, m] + cycles / edge_hz[k, m])
                    latency[k] = max(latency[k], time)
                    served[k] += self.edge_capacitance[k, m] * edge_hz[k, m] ** 2 * edge * cycles
                if cloud > 0:
                    arrived[m] = cloud * (bits / rates[k, m] + bits / decision["fronthaul_bps"][k, m])
                if edge + cloud > 0:
                    sent[m] = (edge + cloud) * bits / rates[k, m]
            if arrived.max() > 0:
                time = arrived.max() + cloud_share[k].sum() * cycles / decision["cloud_frequency_hz"][k]
                latency[k] = max(latency[k], time)
            upload[k] = sent.max()
            energy[k] += power[k] * upload[k]
        found = {"latency_s": latency, "upload_s": upload, "energy_j": energy, "edge_energy_j": served}
        found |= {"local_share": shares[:, 0], "edge_share": edge_share}
        found |= {"cloud_share": cloud_share} if self.has_cloud else {}
        return found | self._powers(decision, edge_share, np)

    def limits(self, decision: Mapping[str, np.ndarray]) -> dict[str, float]:
        pools = [("edge servers", "edge_frequency_hz", self.edge_hz)]
        if self.has_cloud:
            pools.append(("cloud", "cloud_frequency_hz", self.cloud_hz))
            pools.append(("fronthaul", "fronthaul_bps", self.fronthaul))
        found = {}
        for name, slices, whole in pools:
            share = decision[slices] / np.where(whole > 0, whole, 1.0)
            most = np.where(whole > 0, 1.0, 0.0)
            used = share if name == "edge servers" and self.dedicated else share.sum(axis=0)
            found[name] = float(max(np.max(used - most), -np.min(share)))
        found["terminals"] = float(
            np.max(decision["local_frequency_hz"] / np.where(self.local_hz > 0, self.local_hz, 1)) - 1
        )
        return found

    def relax(self, view: View) -> None:
        """Where the places of a task end together, their speeds add; a joule computes and sends only so much."""
        from trinode.compose import offloading_relaxed

        offloading_relaxed.state(self, view)

    def __str__(self) -> str:
        places = ["at the terminal"] if np.any(np.asarray(self.local_hz) > 0) else []
        whose = " of its own" if self.dedicated else ""
        places += [f"at {self.links} edge servers{whose}"] if np.any(np.asarray(self.edge_hz) > 0) else []
        places += ["in the cloud"] if self.has_cloud else []
        return f"{self._terminals} tasks, each divided over " + ", ".join(places)
