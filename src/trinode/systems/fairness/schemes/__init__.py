"""Schemes of the fairness system: one file each (those without optimisation share one)."""

from trinode.systems.fairness.schemes.cnn_lstm import LearnedCnnLstm
from trinode.systems.fairness.schemes.exact import Exact, NoLocal
from trinode.systems.fairness.schemes.ica import Ica
from trinode.systems.fairness.schemes.learned import Learned
from trinode.systems.fairness.schemes.mmse import Mmse
from trinode.systems.fairness.schemes.simple import FullPower, Inversion

SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Exact(),
        Mmse(),
        Ica(),
        NoLocal(),
        Inversion(),
        FullPower(),
        Learned(),
        LearnedCnnLstm(),
    )
}
"""By name; the first is the default."""
