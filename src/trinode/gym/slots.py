"""One environment for all systems: observe gains and queues, set quotas, be told the optimum."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import gymnasium
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from trinode import _programs, api
from trinode.errors import InputError
from trinode.online.motion import ageing
from trinode.online.plans import SYSTEMS, link_gain
from trinode.online.quotas import acted, action_shape
from trinode.systems import doors as _doors
from trinode.systems.decision import SOLUTION_FIELDS
from trinode.systems.declared import to_arrays
from trinode.systems.registry import system as find_system

LOST = -10.0
"""Reward of a slot whose decision breaks a constraint."""
DECIBELS = 50.0
"""Gains are observed in these."""


class SlotEnv(gymnasium.Env):
    """A network whose channels age from slot to slot and whose tasks wait in queues.

    In every slot each terminal gets a task; what a decision that is not feasible leaves undone waits and is part of the
    next slot's task. An action sets offloading and power (:func:`trinode.online.acted`); beams follow in fixed
    directions, with echoes met exactly where they can be. The reward is minus the objective over what trinode reached
    in the first slot (plus, where it is maximised), and -10 where a constraint is broken.

    Observations are float32: the logarithm of the signal-to-noise ratio of each link at full power, (K, M), in units of
    50 dB, and the queue of each terminal over a task, (K,); region has no queues. Actions are float32 from 0 to 1.

    Parameters
    ----------
    system : str
        Of trinode.
    slots : int
        Of an episode.
    speed_m_s, slot_s : float
        How fast terminals are and how long a slot is: :func:`trinode.online.correlation`.
    arrivals : float
        Tasks vary by so much of their size, uniformly, from 0 to 1.
    queue : float
        Tasks that fit into a queue at most; more are lost.
    reference : bool
        Whether ``info`` holds trinode's own decision and the bound. They take longer than the rest.
    **params
        Parameters of the system.

    Notes
    -----
    ``info`` of a step: ``objective`` (None where not feasible), ``feasible``, ``constraint`` (that is violated most),
    ``decision``, its arrays by the names of solution files; with ``reference`` also ``best`` and ``best_decision``
    (trinode's default scheme on the same network), ``bound``, ``regret`` (how far the objective is from ``best``,
    relative to it) and ``gap`` (from the bound, relative to it), None where one of the two is not known.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  (Gymnasium asks for it)

    def __init__(
        self,
        system: str = "fairness",
        *,
        slots: int = 50,
        speed_m_s: float = 1.0,
        slot_s: float = 0.01,
        arrivals: float = 0.5,
        queue: float = 4.0,
        reference: bool = True,
        **params: Any,
    ) -> None:
        if system not in SYSTEMS:
            raise InputError("system", system, f"one of {', '.join(SYSTEMS)}")
        if not isinstance(slots, int) or slots < 1:
            raise InputError("slots", slots, "an integer of at least 1")
        if not 0 <= arrivals <= 1:
            raise InputError("arrivals", arrivals, "a number from 0 to 1")
        self.system, self.slots, self.reference, self.params = system, slots, reference, params
        self.speed_m_s, self.slot_s, self.arrivals, self.longest = speed_m_s, slot_s, arrivals, queue
        self.sign = -1.0 if find_system(system).sense == "min" else 1.0
        example = api.draw(system, **params)
        self._task = np.asarray(getattr(example, "task_bits", np.zeros(0)))
        size = link_gain(system, example).size + self._task.size
        self.observation_space = spaces.Box(-np.inf, np.inf, (size,), np.float32)
        self.action_space = spaces.Box(0.0, 1.0, action_shape(example), np.float32)
        self._networks: Iterator[Any] = iter(())
        self._network: Any = None
        self._queue = np.zeros(0)
        self._scale, self._slot = 1.0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """A new network, its channels and tasks drawn from the seed alone."""
        super().reset(seed=seed, options=options)
        trial, motion = (int(one) for one in self.np_random.integers(2**31 - 1, size=2))
        first = api.draw(self.system, 0, trial, **self.params)
        # one more, which is observed when the last slot is over
        moves = {"speed_m_s": self.speed_m_s, "slot_s": self.slot_s, "seed": motion}
        self._networks = ageing(first, self.slots + 1, **moves)
        self._queue, self._slot = np.zeros_like(self._task), 0
        self._next(served=True)
        if self.reference:
            best = self.best()[1]
            self._scale = abs(best) if np.isfinite(best) and best else 1.0
        return self._seen(), {}

    @_programs.long_runs()
    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Decide for this slot, and see the next one."""
        solution, report = acted(self._network, action)
        feasible, value = bool(report.feasible), float(report.objective)
        info: dict[str, Any] = {
            "objective": value if feasible else None,
            "feasible": feasible,
            "constraint": "" if feasible else str(report.worst_constraint),
            "decision": self._arrays(solution),
        }
        if self.reference:
            ahead, best = self.best()
            info["best_decision"] = self._arrays(ahead)
            for name, far, limit in (("best", "regret", best), ("bound", "gap", float(api.bound(self._network)))):
                known = np.isfinite(limit) and limit != 0
                info[name] = limit if known else None
                info[far] = self.sign * (limit - value) / abs(limit) if known and feasible else None
        reward = self.sign * value / self._scale if feasible else LOST
        self._slot += 1
        self._next(served=feasible)
        return self._seen(), reward, False, self._slot >= self.slots, info

    def _next(self, served: bool) -> None:
        """The next network, with what waits and what comes."""
        network = next(self._networks)
        if self._task.size:
            spread = 1 + self.arrivals * (2 * self.np_random.random(self._task.size) - 1)
            waiting = np.zeros_like(self._task) if served else self._queue
            self._queue = np.minimum(waiting + spread * self._task, self.longest * self._task)
            network = dataclasses.replace(network, task_bits=jnp.asarray(self._queue))
        self._network = _doors.trusted(network)

    @_programs.long_runs()
    def best(self) -> tuple[Any, float]:
        """Trinode's decision and its objective; NaN where there is none."""
        solution = api.solve(self._network)
        return solution, float(api.evaluate(self._network, solution, bound=False).objective)

    def _arrays(self, solution: Any) -> dict[str, np.ndarray]:
        """What is decided, without what is only told of it."""
        schema = find_system(self.system).solution_schema
        own = {name: field for name, field in schema.items() if name not in SOLUTION_FIELDS and not field.nan}
        return to_arrays(solution, own)

    def _seen(self) -> np.ndarray:
        gain = link_gain(self.system, self._network)
        power = getattr(self._network, "terminal_max_power_w", None)
        snr = gain if power is None else gain * np.asarray(power)[:, None]
        level = 10 * np.log10(np.maximum(snr, 1e-30)) / DECIBELS
        task = np.where(self._task > 0, self._task, 1.0)
        return np.concatenate([level.reshape(-1), self._queue / task]).astype(np.float32)
