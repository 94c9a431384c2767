"""Min-max latency over cell-free massive MIMO with distributed offloading and echo requirements.

Source: Peng, Luo, Chu, Lin, Elkashlan, Xiao, Karagiannidis and Masouros, "Latency-Aware Resource Allocation for
Integrated Communications, Computation, and Sensing in Cell-Free mMIMO Systems".
"""

from trinode.systems.contract import System
from trinode.systems.latency.bound import FAMILIES, bound
from trinode.systems.latency.figures import FIGURES
from trinode.systems.latency.metrics import METRICS
from trinode.systems.latency.model import evaluate
from trinode.systems.latency.params import LatencyParams
from trinode.systems.latency.proof import bound_reason
from trinode.systems.latency.scenario import (
    LatencyScenario,
    draw,
    from_channels,
)
from trinode.systems.latency.schedule import SCHEDULE
from trinode.systems.latency.schemes import SCHEMES
from trinode.systems.latency.solution import LatencySolution

BIBTEX = """\
@misc{peng-latency-aware,
  author = {Peng, Qihao and Luo, Qu and Chu, Zheng and Lin, Zihuai and Elkashlan, Maged and Xiao, Pei and
            Karagiannidis, George K. and Masouros, Christos},
  title = {Latency-Aware Resource Allocation for Integrated Communications, Computation, and Sensing in Cell-Free
           mMIMO Systems},
}
"""

system = System(
    name="latency",
    title="min-max latency, cell-free, distributed offloading",
    paper="Peng et al., Latency-Aware Resource Allocation for Integrated Communications, Computation, and Sensing "
    "in Cell-Free mMIMO Systems",
    sense="min",
    objective_name="largest latency",
    objective_unit="s",
    Params=LatencyParams,
    Scenario=LatencyScenario,
    Solution=LatencySolution,
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
    tables="trinode.cli.present_latency",
    pictures="trinode.plots.latency",
    bench="trinode.experiments.bench.latency",
    page="trinode.serve.view_latency",
    schedule=SCHEDULE,
    channel_sizes={
        "terminals": "K",
        "access_points": "M",
        "ap_antennas": "A",
        "terminal_antennas": "T",
        "radar_antennas": "R",
    },
    at_most={"serving": "M"},
    channel_fixed=("area_m", "carrier_hz", "ap_height_m", "terminal_height_m"),
)
