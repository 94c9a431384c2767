"""A system of your own: a cell-free downlink that serves, senses and brings what an edge server computes.

Each user computes a share of its task itself; the edge server computes the rest and sends the result down, over beams
that shine on targets as well. Tasks are to be done soon, at little expense of batteries.

    trinode --load sixth_system.py solve sixth --seed 3
"""

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

import trinode as tn
from trinode.radio import draws, propagation
from trinode.systems.declared import same
from trinode.systems.params import count, nonnegative, positive


class Params(tn.Params):
    """What networks are drawn from.

    Attributes
    ----------
    terminals, targets, access_points, ap_antennas : int
        How many there are.
    ap_max_power_w, illumination_min_w : float
        What an access point sends at most, and what reaches a target at least.
    server_frequency_hz : float
        Of the edge server, divided among the terminals.
    energy_weight : float
        Seconds that a joule is worth.
    """

    terminals: int = count(4)
    targets: int = count(2)
    access_points: int = count(3)
    ap_antennas: int = count(5)
    ap_max_power_w: float = positive(0.1)
    illumination_min_w: float = nonnegative(1e-10)
    server_frequency_hz: float = positive(20e9)
    energy_weight: float = nonnegative(0.1)


class Network(tn.Scenario):
    channel: Complex[Array, "K M A"]
    target: Complex[Array, "Q M A"]
    ap_max_power_w: Float[Array, ""]
    illumination_min_w: Float[Array, ""]
    server_frequency_hz: Float[Array, ""]
    energy_weight: Float[Array, ""]


def draw(key, params):
    k, q, m, a = params.terminals, params.targets, params.access_points, params.ap_antennas
    places = {"terminal": (k, 2), "target": (q, 2), "ap": (m, 2)}
    drawn = draws.several(key, uniform=places, normal={"fading": (k, m, a)})
    near = {name: 400.0 * (drawn[name][:, None] - drawn["ap"]) for name in ("terminal", "target")}
    root = {name: jnp.sqrt(propagation.micro_cell_gain(jnp.linalg.norm(d, axis=2), 3.5e9)) for name, d in near.items()}
    angle = jnp.arctan2(near["target"][..., 1], near["target"][..., 0])
    return Network(
        root["terminal"][..., None] * drawn["fading"],
        root["target"][..., None] * propagation.steering(angle, a, 0.5),
        **same(params, Network),
    )


def problem(network):
    """Latency and energy of computing at the edge, results sent down by beams that illuminate targets"""
    air = tn.Downlink(network.channel, 1e-12, [network.ap_max_power_w] * network.channel.shape[1], bandwidth_hz=20e6)
    radar = tn.Illumination(air, network.target)
    work = tn.Offloading(air.rate_bps, 4e6, 500.0, 1e9, edge_hz=network.server_frequency_hz, capacitance=1e-28)
    cost = tn.largest(work.latency_s) + tn.number(network.energy_weight, "s/J") * tn.total(work.energy_j)
    return tn.Problem(tn.Minimize(cost), [radar.illumination_w >= network.illumination_min_w])


SYSTEM = tn.define_system("sixth", Params, draw, problem, objective="weighted latency and energy")
