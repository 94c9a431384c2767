"""Terminal, edge and cloud: offloading with echo requirements, sum of latencies.

Source: Liu, Fei, Wang, Huang, Hu and Zhang, "Joint Offloading and Beamforming Design in Integrating Sensing,
Communication, and Computing Systems: A Distributed Approach".
"""

from trinode.systems.contract import System
from trinode.systems.threetier.bound import FAMILIES, bound
from trinode.systems.threetier.figures import FIGURES
from trinode.systems.threetier.metrics import METRICS
from trinode.systems.threetier.model import evaluate
from trinode.systems.threetier.params import ThreetierParams
from trinode.systems.threetier.proof import bound_reason
from trinode.systems.threetier.scenario import ThreetierScenario, draw, from_channels
from trinode.systems.threetier.schedule import SCHEDULE
from trinode.systems.threetier.schemes import SCHEMES
from trinode.systems.threetier.solution import ThreetierSolution

BIBTEX = """\
@misc{liu-joint-offloading,
  author = {Liu, Peng and Fei, Zesong and Wang, Xinyi and Huang, Jingxuan and Hu, Jie and Zhang, J. Andrew},
  title = {Joint Offloading and Beamforming Design in Integrating Sensing, Communication, and Computing Systems: A
           Distributed Approach},
}
"""

system = System(
    name="threetier",
    title="sum of latencies over terminal, edge and cloud, with echo requirements",
    paper="Liu et al., Joint Offloading and Beamforming Design in Integrating Sensing, Communication, and Computing "
    "Systems: A Distributed Approach",
    sense="min",
    objective_name="sum of latencies",
    objective_unit="s",
    Params=ThreetierParams,
    Scenario=ThreetierScenario,
    Solution=ThreetierSolution,
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
    tables="trinode.cli.present_threetier",
    pictures="trinode.plots.threetier",
    bench="trinode.experiments.bench.threetier",
    page="trinode.serve.view_threetier",
    schedule=SCHEDULE,
    channel_sizes={
        "terminals": "K",
        "access_points": "M",
        "ap_antennas": "A",
        "terminal_antennas": "T",
        "radar_antennas": "R",
    },
    channel_fixed=("area_m", "ring_radius_m", "least_distance_m", "reference_gain_db"),
)
