"""How well the angle of a target can be told from its echo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex, Float

from trinode.compose.downlink import Downlink
from trinode.compose.expression import Shape
from trinode.compose.part import Numbers, Part, complex_, real
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class AngleEcho(Part):
    """Cramer-Rao bound of the angle of a target whose echo arrives at a receiver that knows what was sent.

    The receiver hears ``amplitude * response @ x`` and white noise in each of ``samples`` samples; ``response`` depends
    on the angle, and the complex amplitude is unknown too. With R the covariance of everything that is sent, A the
    response and D its derivative (Liu, Liu, Li, Masouros and Eldar 2022):
    ``angle_bound = noise_w tr(A R A') / (2 |amplitude|^2 samples (tr(D R D') tr(A R A') - |tr(D R A')|^2))``.

    Parameters
    ----------
    air : Downlink
        Of one transmitter.
    response, derivative : (R, A) complex
        From the antennas of the transmitter over the target to those of the receiver, and its derivative by the angle,
        1/rad; :meth:`lines` gives both for line arrays.
    amplitude : complex
        Of the two-way path.
    noise_w : float
        Noise power per receive antenna, W.
    samples : float
        Independent samples of what is sent.

    Raises
    ------
    InputError
        A wrong shape, a number out of its range, or a response from which no angle can be told.

    Notes
    -----
    Quantities: ``angle_bound`` in rad^2, the least variance of any unbiased estimate, and ``information``, one over it.
    """

    word: ClassVar[str] = "radar"
    air: Any
    response: Complex[Numbers, "R A"]
    derivative: Complex[Numbers, "R A"]
    amplitude: Float[Numbers, ""]
    noise_w: Float[Numbers, ""]
    samples: Float[Numbers, ""]

    def __init__(
        self, air: Downlink, response: Any, derivative: Any, amplitude: Any, noise_w: Any, samples: Any = 1.0
    ) -> None:
        if not isinstance(air, Downlink) or not air.single:
            raise InputError("air", air, "a Downlink of one transmitter")
        self.air = air
        self.response = complex_("response", response, ("R", air.channel.shape[3]))
        self.derivative = complex_("derivative", derivative, self.response.shape)
        self.amplitude = np.asarray(np.abs(complex_("amplitude", amplitude, ())))
        if not self.amplitude > 0:
            raise InputError("amplitude", 0.0, "a number other than 0")
        self.noise_w = real("noise_w", noise_w, (), 0.0, above=True)
        self.samples = real("samples", samples, (), 0.0, above=True)
        if not np.any(self.response != 0):
            raise InputError("response", "only zeros", "a target that gives an echo")
        if not np.linalg.norm(_beside(self.response, self.derivative, np)) > 1e-9 * np.linalg.norm(self.derivative):
            raise InputError("derivative", "a multiple of the response", "a response whose shape depends on the angle")

    @staticmethod
    def lines(angle_rad: float, receive: int, transmit: int, spacing: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
        """Response and derivative of parallel line arrays, phases counted from their middles.

        Parameters
        ----------
        angle_rad : float
            From broadside.
        receive, transmit : int
            Numbers of antennas.
        spacing : float
            Of antennas, in wavelengths.
        """
        arrays = []
        for count in (receive, transmit):
            place = 2 * np.pi * spacing * (np.arange(count) - (count - 1) / 2)
            steering = np.exp(1j * place * np.sin(angle_rad))
            arrays.append((steering, 1j * place * np.cos(angle_rad) * steering))
        (b, db), (a, da) = arrays
        return np.outer(b, a), np.outer(db, a) + np.outer(b, da)

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        return {"angle_bound": ((), "rad^2"), "information": ((), "1/rad^2")}

    def aims(self) -> Any:
        each = jnp.stack([self.response, self.derivative])
        return self.air, (each / jnp.linalg.norm(each, axis=(1, 2), keepdims=True)).reshape(-1, each.shape[2])

    def _scale(self) -> Any:
        return 2 * self.amplitude**2 * self.samples / self.noise_w

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        w = scope.decision(self.air)["precoder"][0].T
        # what a change of the angle adds that no change of the amplitude explains
        left = _beside(self.response @ w, self.derivative @ w, jnp)
        information = self._scale() * jnp.sum(left.real**2 + left.imag**2)
        return {"angle_bound": 1 / jnp.maximum(information, 1e-300), "information": information}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        w = scope.decision(self.air)["precoder"][0].T
        by_amplitude, by_angle = (self.response @ w).reshape(-1, 1), (self.derivative @ w).reshape(-1)
        known, *_ = np.linalg.lstsq(by_amplitude, by_angle)
        information = self._scale() * np.sum(np.abs(by_angle - by_amplitude @ known) ** 2)
        bound = 1 / information if information > 0 else np.inf
        return {"angle_bound": np.asarray(bound), "information": np.asarray(information)}

    def relax(self, view: View) -> None:
        """The information is concave in the covariance of everything sent."""
        import cvxpy as cp

        from trinode.compose.downlink_relaxed import doubled
        from trinode.compose.relaxation import Data, Limits

        covariance, reference, own = view.of(self.air, "covariance"), view.of(self.air, "reference"), view.own
        size = 2 * self.response.shape[1]

        def unit(part: AngleEcho) -> tuple[np.ndarray, np.ndarray]:
            """Response, and what is left of the derivative, which tells as much; of order one."""
            a, d = np.asarray(part.response), _beside(np.asarray(part.response), np.asarray(part.derivative), np)
            return a / np.linalg.norm(a), d / np.linalg.norm(d)

        def trace(compute: Any) -> Any:
            number = view.number((size, size), lambda data: doubled(compute(*unit(own(data)))).T / 2)
            return cp.sum(cp.multiply(number, covariance))

        def scale(data: Data) -> float:
            part = own(data)
            left = np.linalg.norm(_beside(np.asarray(part.response), np.asarray(part.derivative), np))
            return float(part._scale() * left**2 * reference(data))

        def information() -> Any:
            found = cp.Variable(4)  # tr(D R D'), tr(A R A'), and the two parts of tr(D R A')
            view.constraints.append(
                found
                == cp.hstack(
                    [
                        trace(lambda a, d: d.conj().T @ d),
                        trace(lambda a, d: a.conj().T @ a),
                        trace(lambda a, d: a.conj().T @ d),
                        trace(lambda a, d: -1j * a.conj().T @ d),
                    ]
                )
            )
            return found[0] - cp.quad_over_lin(found[2:], found[1])

        view.state("information", lambda: Limits(upper=information(), scale=scale))
        view.state("angle_bound", lambda: Limits(lower=cp.inv_pos(information()), scale=lambda data: 1 / scale(data)))

    def __str__(self) -> str:
        return f"angle of a target seen by {self.response.shape[0]} antennas"


def _beside(response: Any, derivative: Any, xp: Any) -> Any:
    """What of a derivative is no multiple of the response."""
    power = xp.sum(xp.abs(response) ** 2)
    along = xp.sum(response.conj() * derivative) / xp.where(power > 0, power, 1.0)
    return derivative - along * response
