"""Communication-sensing region of cell-free massive MIMO with uncertain, reflecting targets.

Source: Mao, Lu, Chi, Ai, Zhong and Ding, "Communication-Sensing Region for Cell-Free Massive MIMO ISAC Systems".
"""

from trinode.systems.contract import System
from trinode.systems.region.bound import FAMILIES, bound
from trinode.systems.region.figures import FIGURES
from trinode.systems.region.metrics import METRICS
from trinode.systems.region.model import evaluate
from trinode.systems.region.params import RegionParams
from trinode.systems.region.scenario import RegionScenario, draw, from_channels
from trinode.systems.region.schedule import SCHEDULE
from trinode.systems.region.schemes import SCHEMES
from trinode.systems.region.solution import RegionSolution

BIBTEX = """\
@misc{mao-communication-sensing-region,
  author = {Mao, Weihao and Lu, Yang and Chi, Chong-Yung and Ai, Bo and Zhong, Zhangdui and Ding, Zhiguo},
  title = {Communication-Sensing Region for Cell-Free Massive {MIMO} {ISAC} Systems},
}
"""

system = System(
    name="region",
    title="communication-sensing region, cell-free, estimated channels",
    paper="Mao et al., Communication-Sensing Region for Cell-Free Massive MIMO ISAC Systems",
    sense="max",
    objective_name="sum rate",
    objective_unit="bit/s/Hz",
    Params=RegionParams,
    Scenario=RegionScenario,
    Solution=RegionSolution,
    draw=draw,
    places=("terminal_position_m", "ap_position_m"),
    evaluate=evaluate,
    bound=bound,
    families=FAMILIES,
    schemes=SCHEMES,
    from_channels=from_channels,
    figures=FIGURES,
    metrics=METRICS,
    bibtex=BIBTEX,
    tables="trinode.cli.present_region",
    pictures="trinode.plots.region",
    bench="trinode.experiments.bench.region",
    page="trinode.serve.view_region",
    schedule=SCHEDULE,
    channel_sizes={"terminals": "K", "access_points": "M", "ap_antennas": "A"},
    at_most={"pilots": "K", "targets": "M"},
    channel_places=True,
    channel_fixed=("area_m", "central"),
)
