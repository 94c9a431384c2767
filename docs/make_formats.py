"""Write ``docs/formats.md`` from the schemas that the files are checked with: ``python docs/make_formats.py``."""

from __future__ import annotations

from pathlib import Path

from trinode.channels.files import Field, Schema
from trinode.channels.rounding import NOTHING, ROUNDING
from trinode.systems.decision import SOLUTION_FIELDS
from trinode.systems.registry import system, system_names

HEAD = """# Scenario and solution files

One `.npz` file each (NumPy, no pickles). Besides the arrays below, a file holds `format`, a text:
`trinode/SYSTEM-scenario/1` or `trinode/SYSTEM-solution/1`. Complex arrays are complex128, the others float64, bool or
int64.
Unknown and missing names, names given twice, other shapes, axes of no length, NaN or infinity (but where the table
allows it), numbers beyond 1e60, negative powers, noises and frequencies are refused with the array's name.

Letters: K terminals (users), M access points (base stations), A antennas of an access point, T transmit and R receive
antennas of a terminal, S subcarriers, D directions, Q targets. Channels act as `received = H @ transmitted`. Amplitudes
are physical: a channel gain has no unit, power is in watt, noise in watt per antenna; the region system alone is
normalised by the noise. A terminal's own echo is
`echo_gain * receive_steering * (conj(transmit_steering) . x)`. A combiner v acts as `conj(v) . y`, at any norm.

`trinode scenario SYSTEM --out FILE` writes a scenario, `trinode solve SYSTEM --scenario FILE --out FILE` reads one and
writes a solution, `trinode evaluate SYSTEM --scenario FILE --solution FILE` judges any pair.
"""

SOLUTION = """## Every solution

`status` is `converged`, `iteration_limit` or `infeasible`; `objective` is re-scored by the system's model, NaN where
infeasible; no solution of the scenario beats `bound` (NaN where there is none). Infeasible answers are written, too,
with the best effort, with what could be met, and with the terminals that cannot be served. `history` holds the steps
whose objective is a finite number.
"""

ROUNDING_TEXT = f"""## Rounding

Files of others are off by rounding. What is forgiven, up to {ROUNDING:g} of the array's largest entry: entries of
what is at least 0 that are below it; they become 0. Up to {ROUNDING:g} of 1: shares (`edge_share`, `cloud_share`,
`power_fraction`, `offload_fraction`) below 0, which become 0, or that add up to more than 1; they are divided by their
sum. Up to {ROUNDING:g} of a matrix' largest entry: covariances that are not Hermitian; they become their Hermitian
part. `trinode evaluate` tells each repair with its count and its size, `tn.load` warns of it. What is off by more is
refused, or not met, as it stands; shares and matrices off by less than {NOTHING:g} are as exact as sums of doubles are,
and stay.
"""


def table(schema: Schema) -> str:
    """One row per array."""
    lines = ["| array | kind | shape | unit | allowed |", "| --- | --- | --- | --- | --- |"]
    for name, field in schema.items():
        cells = [f"`{name}`", field.kind, ", ".join(field.dims).replace("|", " or ") or "-", field.unit or "-"]
        lines.append("| " + " | ".join([*cells, _allowed(field)]) + " |")
    return "\n".join(lines)


def _allowed(field: Field) -> str:
    words = [] if field.sign == "any" else [{"nonnegative": "at least 0", "positive": "above 0"}[field.sign]]
    words += ["NaN"] if field.nan else []
    words += [", ".join(field.choices)] if field.choices else []
    words += ["optional"] if field.optional else []
    return "; ".join(words) or "-"


def page() -> str:
    """The whole page."""
    parts = [HEAD, ROUNDING_TEXT, SOLUTION, table(SOLUTION_FIELDS)]
    for name in system_names():
        found = system(name)
        own = {key: value for key, value in found.solution_schema.items() if key not in SOLUTION_FIELDS}
        parts += [f"\n## {name}\n\n{found.title}. Objective: {found.objective_name}, {found.objective_unit}.\n"]
        parts += ["Scenario:\n", table(found.scenario_schema), "\nSolution:\n", table(own)]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("formats.md").write_text(page(), encoding="utf-8")
