"""A scheme of your own in one file: fractional power control for the fairness system.

Run it: it joins the system, passes the contract that every scheme has to pass, and is compared with the others.
An installed package does the same with one line in its pyproject.toml:

    [project.entry-points."trinode.schemes"]
    "fairness.fractional" = "own_scheme:SCHEME"
"""

from typing import ClassVar, final

import equinox as eqx

import trinode as tn
from trinode.systems import checks
from trinode.systems.contract import Scheme
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common
from trinode.systems.registry import system


@final
class Fractional(Scheme):
    """Weak terminals send more, but not so much more that all arrive alike."""

    name: ClassVar[str] = "fractional"
    summary: ClassVar[str] = "fractional power control"
    iterates: ClassVar[bool] = False
    family: ClassVar[str] = "given"
    part: ClassVar[int] = 256
    exponent: float = eqx.field(static=True, default=0.5)

    def solve(self, scenario, start=None):
        """Channel inversion to a power between 0 (full power) and 1 (inversion)."""
        air, tasks = air_of.fixed(scenario), common.tasks_of(scenario)
        power = common.inversion(air, tasks) ** self.exponent
        power = power / power.shape[0]
        return common.finish(scenario, tasks, common.rates(scenario, air, power), power)


SCHEME = Fractional()


def main():
    fairness = system("fairness")
    scenarios = [tn.draw("fairness", trial=trial, terminals=5) for trial in range(3)]
    checks.check_scheme(fairness, SCHEME, scenarios, lambda batch, start=None: tn.solve_batch(batch, SCHEME, start))
    print("meets the contract")
    batch = tn.draw_batch("fairness", trials=100)
    for scheme in ("exact", "inversion", SCHEME, "full-power"):
        report = tn.evaluate_batch(batch, tn.solve_batch(batch, scheme), bound=False)
        name = scheme if isinstance(scheme, str) else scheme.name
        print(f"{name:12s} {1e3 * float(report.objective.mean()):.4f} ms")


if __name__ == "__main__":
    main()
