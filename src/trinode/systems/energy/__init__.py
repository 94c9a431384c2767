"""Least weighted energy of sensing, uplink and computing within deadlines, at one access point.

Source: Dong, Wang, Vorobyov, Han and Taleb, "Energy-Efficient Beamforming and Adaptive Computational Task Offloading
in ISCC Systems".
"""

from trinode.systems.contract import System
from trinode.systems.energy.bound import FAMILIES, bound
from trinode.systems.energy.figures import FIGURES
from trinode.systems.energy.metrics import METRICS
from trinode.systems.energy.model import evaluate
from trinode.systems.energy.params import EnergyParams
from trinode.systems.energy.proof import bound_reason
from trinode.systems.energy.scenario import EnergyScenario, draw
from trinode.systems.energy.schedule import SCHEDULE
from trinode.systems.energy.schemes import SCHEMES
from trinode.systems.energy.solution import EnergySolution
from trinode.systems.energy.traced import from_channels

BIBTEX = """\
@misc{dong-energy-efficient,
  author = {Dong, Kai and Wang, Lei and Vorobyov, Sergiy A. and Han, Zhu and Taleb, Tarik},
  title = {Energy-Efficient Beamforming and Adaptive Computational Task Offloading in {ISCC} Systems},
}
"""

system = System(
    name="energy",
    title="least weighted energy, adaptive offloading, data and sensing beams",
    paper="Dong et al., Energy-Efficient Beamforming and Adaptive Computational Task Offloading in ISCC Systems",
    sense="min",
    objective_name="weighted energy",
    objective_unit="J",
    Params=EnergyParams,
    Scenario=EnergyScenario,
    Solution=EnergySolution,
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
    tables="trinode.cli.present_energy",
    pictures="trinode.plots.energy",
    bench="trinode.experiments.bench.energy",
    page="trinode.serve.view_energy",
    schedule=SCHEDULE,
    channel_sizes={"terminals": "K", "ap_antennas": "A", "terminal_antennas": "T"},
    channel_fixed=(
        "scattered_paths",
        "aligned_target",
        "bearing_offset",
        "carrier_hz",
        "target_distance_m",
        "ap_height_m",
        "terminal_height_m",
        "rician_db",
    ),
)
