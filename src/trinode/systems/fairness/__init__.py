"""Min-max latency of a multi-carrier uplink with offloading: cell-free, or one base station in the middle.

Source: Nguyen, Bui, Le, Nguyen-Duy-Nhat, Nguyen-Le and Tran, "Latency Fairness for MEC-Enabled Cell-free massive MIMO:
ICA- and AI-based Approaches", IEEE Communications Letters 29(8), 2025.
"""

from trinode.systems.contract import System
from trinode.systems.fairness.bound import FAMILIES, bound
from trinode.systems.fairness.figures import FIGURES
from trinode.systems.fairness.metrics import METRICS
from trinode.systems.fairness.model import evaluate
from trinode.systems.fairness.params import FairnessParams
from trinode.systems.fairness.proof import bound_reason
from trinode.systems.fairness.scenario import FairnessScenario, draw, from_channels
from trinode.systems.fairness.schedule import SCHEDULE
from trinode.systems.fairness.schemes import SCHEMES
from trinode.systems.fairness.solution import FairnessSolution

BIBTEX = """\
@article{nguyen-latency-fairness,
  author = {Nguyen, Hieu V. and Bui, Van-Phuc and Le, Mai T. P. and Nguyen-Duy-Nhat, Vien and Nguyen-Le, Hung and
            Tran, Nghi H.},
  title = {Latency Fairness for {MEC}-Enabled Cell-free massive {MIMO}: {ICA}- and {AI}-based Approaches},
  journal = {IEEE Communications Letters},
  year = {2025},
  volume = {29},
  number = {8},
  pages = {1963--1967},
  doi = {10.1109/LCOMM.2025.3581730},
}
"""

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
    places=("terminal_position_m", "ap_position_m"),
    evaluate=evaluate,
    bound=bound,
    families=FAMILIES,
    bound_reason=bound_reason,
    schemes=SCHEMES,
    from_channels=from_channels,
    figures=FIGURES,
    metrics=METRICS,
    bibtex=BIBTEX,
    tables="trinode.cli.present_fairness",
    pictures="trinode.plots.fairness",
    bench="trinode.experiments.bench.fairness",
    page="trinode.serve.view_fairness",
    training="trinode.experiments.fairness_training",
    schedule=SCHEDULE,
    channel_sizes={"terminals": "K", "access_points": "M", "ap_antennas": "A"},
    channel_fixed=(
        "layout",
        "path_loss",
        "radius_m",
        "ap_height_m",
        "path_loss_1m_db",
        "path_loss_per_decade_db",
        "shadowing_db",
    ),
)
