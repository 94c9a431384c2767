"""A divisible task at two places at once: a share at the terminal, the rest sent to a server.

Everything is written in speeds (tasks per second, the inverse of a latency): with the best share, both places end
together and their speeds add. Rate and latency then determine each other in closed form.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


class SplitTasks(eqx.Module):
    """Tasks of K terminals.

    Attributes
    ----------
    bits : (K,)
        To be sent when everything is offloaded.
    local_speed : (K,)
        Tasks per second of the terminal alone, 1/s; 0 where it cannot or must not, infinite where nothing is to do.
    server_s : (K,)
        Time of the whole task at the server.
    """

    bits: Float[Array, " K"]
    local_speed: Float[Array, " K"]
    server_s: Float[Array, " K"]

    @property
    def idle(self) -> Bool[Array, " K"]:
        """Terminals whose task takes no time."""
        return jnp.isinf(self.local_speed)

    def speed(self, rate: Float[Array, " K"]) -> Float[Array, " K"]:
        """Largest speed at a rate (bit/s): that of the terminal plus that of the route to the server."""
        return self.local_speed + self._route(rate)

    def share(self, rate: Float[Array, " K"]) -> Float[Array, " K"]:
        """Offloaded share at which both places end together; 1 where the terminal does nothing itself."""
        route = self._route(rate)
        total = jnp.where(self.idle, jnp.inf, self.local_speed + route)
        some = jnp.where(total > 0, total, 1.0)
        return jnp.where(self.local_speed > 0, jnp.where(self.idle, 0.0, route / some), 1.0)

    def rate(self, speed: Float[Array, ""] | Float[Array, " K"]) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
        """Least rates (bit/s) at which all tasks reach a speed, and their derivatives by it.

        0 where the terminal is fast enough itself, infinite where no rate is enough.
        """
        short = jnp.maximum(speed - self.local_speed, 0.0)  # what the route to the server has to add
        left = 1 - self.server_s * short
        reachable = left > 0
        safe = jnp.where(reachable, left, 1.0)
        rate = jnp.where(reachable, self.bits * short / safe, jnp.inf)
        slope = jnp.where(reachable & (short > 0), self.bits / safe**2, 0.0)
        return rate, slope

    def _route(self, rate: Float[Array, " K"]) -> Float[Array, " K"]:
        time = self.bits + self.server_s * rate
        return jnp.where((rate > 0) & (time > 0), rate / jnp.where(time > 0, time, 1.0), 0.0)


def split_tasks(
    bits: Float[Array, " K"],
    cycles_per_bit: Float[Array, " K"],
    terminal_frequency_hz: Float[Array, " K"],
    server_frequency_hz: Float[Array, ""],
    local: bool | Bool[Array, ""] = True,
) -> SplitTasks:
    """Tasks from bits, cycles and processors; ``local=False`` forbids computing at the terminal."""
    cycles = bits * cycles_per_bit
    speed = jnp.where(cycles > 0, terminal_frequency_hz / jnp.where(cycles > 0, cycles, 1.0), jnp.inf)
    speed = jnp.where(local, speed, jnp.where(bits > 0, 0.0, jnp.inf))
    return SplitTasks(bits, speed, cycles / server_frequency_hz)
