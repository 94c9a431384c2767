"""Min-max latency of a multi-carrier uplink with offloading: cell-free, or one base station in the middle.

Source: Nguyen, Bui, Le, Nguyen-Duy-Nhat, Nguyen-Le and Tran, "Latency Fairness for MEC-Enabled Cell-free massive MIMO:
ICA- and AI-based Approaches", IEEE Communications Letters 29(8), 2025.
"""

from trinode.systems.contract import System
from trinode.systems.fairness.bound import bound
from trinode.systems.fairness.figures import FIGURES
from trinode.systems.fairness.model import evaluate
from trinode.systems.fairness.params import FairnessParams
from trinode.systems.fairness.scenario import SCENARIO_SCHEMA, FairnessScenario, draw, from_channels
from trinode.systems.fairness.schemes import SCHEMES
from trinode.systems.fairness.solution import SOLUTION_SCHEMA, FairnessSolution

system = System(
    name="fairness",
    title="min-max latency and its fairness, multi-carrier uplink, cell-free or one base station",
    paper="Nguyen et al., Latency Fairness for MEC-Enabled Cell-free massive MIMO: ICA- and AI-based Approaches",
    sense="min",
    objective_name="largest latency",
    objective_unit="s",
    Params=FairnessParams,
    Scenario=FairnessScenario,
    Solution=FairnessSolution,
    draw=draw,
    evaluate=evaluate,
    bound=bound,
    schemes=SCHEMES,
    scenario_schema=SCENARIO_SCHEMA,
    solution_schema=SOLUTION_SCHEMA,
    from_channels=from_channels,
    figures=FIGURES,
    part=64,
    bound_part=64,
)
