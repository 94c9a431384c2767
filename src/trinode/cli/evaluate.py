"""``trinode evaluate``"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trinode import _flags
from trinode.cli._network import AsJson, SystemName
from trinode.cli._show import Column, Table, print_json, working

if TYPE_CHECKING:
    from trinode.channels.rounding import Repair
    from trinode.systems.contract import System
    from trinode.systems.report import Report

CLAIM_TOLERANCE = 1e-6


def evaluate(
    system: SystemName,
    scenario: Annotated[Path, typer.Option(metavar="FILE", help="The network.")],
    solution: Annotated[Path, typer.Option(metavar="FILE", help="The decision, made by trinode or by anybody else.")],
    as_json: AsJson = False,
) -> None:
    """Judge a decision again: metrics, every constraint, the bound, and whether what the file claims is true.

    What rounding left in the file (entries just below 0, shares that add up to just above 1) is repaired and told.

    The exit code is 1 where the decision is not what the file claims: a status or an objective that does not hold.

    \b
    Examples:
      trinode evaluate latency --scenario network.npz --solution decision.npz
      trinode evaluate latency --scenario network.npz --solution decision.npz --json
    """
    _flags.add(_flags.QUICKLY)  # everything is judged once
    with working("judging", as_json):
        from trinode import api
        from trinode.cli._answer import as_json as answer_json
        from trinode.cli._answer import print_answer, residual_table
        from trinode.cli._head_start import head_start
        from trinode.systems.registry import system as find_system

        found = find_system(system)
        with head_start(f"evaluate {system}"):
            repairs: list[Repair] = []
            network = found.read_scenario(scenario, repairs)
            decision, arrays = found.read_solution(solution, repairs)
            report = api.evaluate(network, decision)
    claims = check_claims(arrays, report, found)
    decision = found.marked(decision, report.feasible)
    if as_json:
        said = {"claims": claims, "repairs": [asdict(one) for one in repairs]}
        print_json({**answer_json(found, solution.name, network, decision, report), **said})
    else:
        print_answer(found, scenario.name, solution.name, network, decision, report)
        residual_table(report).print()
        for one in repairs:
            typer.echo(f"repaired: {one}")
        columns = [
            Column("claim", "claim", left=True),
            Column("stated", "stated", "{:.8g}"),
            Column("found", "found", "{:.8g}"),
        ]
        Table("What the file claims", [*columns, Column("holds", "holds")], claims).print()
    if not all(one["holds"] for one in claims if one["claim"] != "bound"):
        raise typer.Exit(1)


def check_claims(arrays: dict[str, Any], report: Report, system: System) -> list[dict[str, Any]]:
    """Compare the status, objective and bound that a solution file states with what the model finds.

    A status other than infeasible needs every constraint met; ``infeasible`` needs one that is not. A bound
    holds where it is no sharper than the one found here, which may be infinite; a file without one claims none.
    """
    from trinode.systems.reason import reason

    feasible = bool(report.feasible)
    stated = str(arrays["status"])
    objective, bound = float(arrays["objective"]), float(arrays["bound"])
    rescored, best = float(report.objective), float(report.bound)
    return [
        {
            "claim": "status",
            "stated": stated,
            "found": "all constraints met" if feasible else f"infeasible: {reason(system, report)}",
            "holds": feasible != (stated == "infeasible"),
        },
        {"claim": "objective", "stated": objective, "found": rescored, "holds": _same(objective, rescored)},
        {
            "claim": "bound",
            "stated": bound,
            "found": best,
            "holds": None if bound != bound else _no_sharper(bound, best, system.sense),
        },
    ]


def _no_sharper(bound: float, best: float, sense: str) -> bool | None:
    """Whether a stated bound follows from the one found; None where none was found to compare with."""
    if best != best:
        return None
    return _same(bound, best) or (bound < best if sense == "min" else bound > best)


def _same(one: float, other: float) -> bool:
    if one != one or other != other:
        return one != one and other != other
    if abs(one) == float("inf") or abs(other) == float("inf"):
        return one == other
    return abs(one - other) <= CLAIM_TOLERANCE * max(abs(one), abs(other))
