"""The distributed algorithm: its pieces against CVXPY, its repairs against the centralised one, its messages."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest

from trinode import api
from trinode.systems.decision import Status
from trinode.systems.threetier import host, optimise, system, wmmse
from trinode.systems.threetier.agents import InProcess, Rules, StationLost, pricing
from trinode.systems.threetier.agents import messages as say
from trinode.systems.threetier.agents.station import BaseStation, StationData, consensus_penalty, within_capacity
from trinode.systems.threetier.params import ThreetierParams
from trinode.systems.threetier.schemes.centralised import Centralised
from trinode.systems.threetier.schemes.distributed import converse

PLUS = Rules(exact_offloading=True, priced=True)
SHAPE = {
    "terminals": 4,
    "access_points": 2,
    "ap_antennas": 5,
    "terminal_antennas": 3,
    "radar_antennas": 6,
    "bandwidth_hz": 8e6,
    "edge_capacity_hz": 4e9,
    "sensing_sinr_min_db": 1.0,
}
EVALUATE = jax.jit(system.evaluate)


def drawn(seed=0, **changes):
    return jax.jit(system.draw)(ThreetierParams(**(SHAPE | changes)), jax.random.key(seed))


@pytest.fixture(scope="module")
def scenario():
    return drawn(3)


def upload(scenario, solution):
    return float(EVALUATE(scenario, solution).metrics["upload_s"].sum())


@pytest.mark.parametrize(("power", "begin"), [(0.0, "mrs"), (30.0, "mrt")])
def test_plus_takes_the_steps_of_the_centralised_algorithm(power, begin):
    """Prices and messages on one side, one program over all terminals by another method on the other."""
    s = drawn(1, terminal_max_power_dbm=power)
    together = Centralised(begin=begin, beam_steps=12).solve(s)
    apart, run = converse(s, dataclasses.replace(PLUS, beam_steps=12), begin=begin)
    assert run is not None
    assert upload(s, apart) == pytest.approx(upload(s, together), rel=1e-6)
    assert bool(EVALUATE(s, apart).feasible)


@pytest.mark.parametrize("seed", range(6))
def test_prices_are_found_where_streams_are_fewer_than_antennas(seed):
    """Directions that no receiver hears cost nothing: the beam step still has an answer, and it is no worse."""
    rng = np.random.default_rng(seed)
    k, antennas = 2, 5

    def draw(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    w, vectors, into = draw(k, antennas), 3 * draw(k, k, antennas), draw(k, k, 3, antennas)
    leakage = 1e-2 * np.einsum("jkrt,jkru->jktu", into.conj(), into) * (1 - np.eye(k))[:, :, None, None]
    steering = draw(k, antennas)
    heard = np.einsum("kt,jktu,ku->j", w.conj(), leakage, w).real + 0.02
    echo = np.abs(np.sum(steering.conj() * w, axis=1)) ** 2
    need, budget = 0.95 * echo / heard, 1.2 * np.sum(np.abs(w) ** 2, axis=1)
    own = [wmmse.Sensing(1.0, steering[i], 0.02, need[i], leakage[:, i], budget[i]) for i in range(k)]
    linear = [1.5 * vectors[i, i] for i in range(k)]
    problems = [wmmse.PricedProblem.build(own[i], i, vectors[:, i], linear[i], w[i], need / echo) for i in range(k)]

    def ask(price):
        parts = [problem.respond(price) for problem in problems]
        return pricing.Dual(sum(x.value for x in parts), sum(x.violation for x in parts), sum(x.slope for x in parts))

    def worth(beams):
        return sum(
            np.sum(np.abs(vectors[:, i].conj() @ beams[i]) ** 2) - 2 * (linear[i].conj() @ beams[i]).real
            for i in range(k)
        )

    price, met = pricing.maximise(ask, np.zeros(k), need > 0, 1e-8)
    assert met
    assert worth([problem.respond(price).precoder for problem in problems]) <= worth(w)


@pytest.mark.parametrize("seed", [1, 4])
def test_terminals_that_no_station_hears_only_sense(seed):
    """They cost nothing, whatever they do: the prices of their echoes are found all the same."""
    rng = np.random.default_rng(seed)
    k, antennas = 3, 4

    def draw(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    w, into, steering = draw(k, antennas), draw(k, k, 2, antennas), draw(k, antennas)
    leakage = 1e-2 * np.einsum("jkrt,jkru->jktu", into.conj(), into) * (1 - np.eye(k))[:, :, None, None]
    echo = np.abs(np.sum(steering.conj() * w, axis=1)) ** 2
    need = 0.95 * echo / (np.einsum("kt,jktu,ku->j", w.conj(), leakage, w).real + 0.02)
    vectors = 3 * draw(k, k, antennas) * (np.arange(k) < 1)[:, None]
    problems = []
    for i in range(k):
        own = wmmse.Sensing(1.0, steering[i], 0.02, need[i], leakage[:, i], 1.2 * np.sum(np.abs(w[i]) ** 2))
        problems.append(wmmse.PricedProblem.build(own, i, vectors[:, i], 1.5 * vectors[i, i], w[i], need / echo))

    def ask(price):
        parts = [problem.respond(price) for problem in problems]
        return pricing.Dual(sum(x.value for x in parts), sum(x.violation for x in parts), sum(x.slope for x in parts))

    price, met = pricing.maximise(ask, np.zeros(k), need > 0, 1e-8)
    assert met
    assert np.max(ask(price).violation) <= 1e-7


def test_prices_that_bend_nothing_do_not_overflow():
    slope = -np.array([[1e100, 0.0, 0.0], [0.0, 0.0, 1e84], [0.0, 1e84, 0.0]])

    def ask(p):
        return pricing.Dual(float(p[1] + p[2] - 5e99 * p[0] ** 2), np.array([-1e100 * p[0], 1.0, 1.0]), slope)

    price, met = pricing.maximise(ask, np.zeros(3), np.ones(3, bool), 1e-8)
    assert not met
    assert np.all(np.isfinite(price))


@pytest.mark.parametrize("seed", [5, 11])
def test_no_run_ends_above_what_it_may_begin_with(seed):
    """MRS and MRT under exact offloading; from MRT alone, and by rounding, it ended up to 1 % above."""
    s = drawn(seed)
    t, view = host.prepared(s)
    begun = [host.beginning(t, view, sensing)[0] for sensing in (True, False)]
    limit = min(float(host.offload(t, optimise.link_rates(t, w), w).latency) for w in begun) * (1 + 1e-9)
    for rules in (Rules(beam_steps=4, outer=1), dataclasses.replace(PLUS, beam_steps=4, outer=1)):
        assert float(EVALUATE(s, converse(s, rules)[0]).objective) <= limit
    assert float(EVALUATE(s, Centralised(beam_steps=4, outer=1).solve(s)).objective) <= limit


def test_steps_that_are_spent_or_not_solved_are_no_rest(scenario, monkeypatch):
    """The places repeat after one turn, but beams still gain; and a beam problem that fails moves nothing."""
    for solution in (converse(scenario, Rules(beam_steps=3))[0], Centralised(beam_steps=3).solve(scenario)):
        assert int(solution.status) == Status.ITERATION_LIMIT
    solve = wmmse.qcqp.minimize
    monkeypatch.setattr(wmmse.qcqp, "minimize", lambda *given: solve(*given)._replace(residual=1.0))
    monkeypatch.setattr(pricing, "maximise", lambda *given: (np.zeros(4), False))
    monkeypatch.setattr("trinode.systems.threetier.agents.cloud.maximise", pricing.maximise)
    for solution in (
        converse(scenario, Rules())[0],
        converse(scenario, PLUS)[0],
        Centralised().solve(scenario),
    ):
        assert int(solution.status) == Status.ITERATION_LIMIT
        assert int(np.sum(~np.isnan(np.asarray(solution.history)))) == 1


def test_nobody_is_trapped_at_home(scenario):
    """Begun at beams that only sense everybody computes at home, as what they do not look at says; and that rests."""
    home = api.solve(scenario, "local")
    free = float(EVALUATE(scenario, Centralised().solve(scenario)).objective)
    alone = float(EVALUATE(scenario, home).objective)
    assert alone > 2 * free
    solutions = [converse(scenario, rules, start=home)[0] for rules in (Rules(), PLUS)]
    for solution in (Centralised().solve(scenario, home), *solutions):
        assert float(EVALUATE(scenario, solution).objective) < free + 0.05 * (alone - free)


def test_no_rest_where_one_other_beam_would_do(scenario, monkeypatch):
    home = api.solve(scenario, "local")
    monkeypatch.setattr(host, "ESCAPES", 0)
    for solution in (Centralised().solve(scenario, home), converse(scenario, PLUS, start=home)[0]):
        assert float(EVALUATE(scenario, solution).objective) == float(EVALUATE(scenario, home).objective)
        assert int(solution.status) == Status.ITERATION_LIMIT


def test_a_step_cut_short_has_to_gain_less_to_be_rest():
    assert wmmse.at_rest(9e-6, 1.0, 1e-5)
    assert not wmmse.at_rest(9e-6, 1 / 64, 1e-5)
    assert not wmmse.at_rest(-2e-5, 1 / 1024, 1e-5)


@pytest.mark.parametrize("seed", [4, 5])
def test_steps_that_would_raise_the_upload_are_taken_in_part(seed):
    """Base stations with one antenna: at low SINR (40) is no majorant, and the first whole step rises. The run ended
    there, converged, 28 and 11 % above."""
    s = drawn(seed, sensing_sinr_min_db=-20.0, edge_capacity_hz=12e9)
    s = eqx.tree_at(lambda s: s.uplink_channel, s, s.uplink_channel.at[:, :, 1:].set(0))
    uploads = []
    apart, _ = converse(s, PLUS, watch=lambda step: uploads.append(step["upload_s"]))
    together = Centralised().solve(s)
    assert upload(s, apart) <= 0.9 * uploads[0]
    assert uploads == sorted(uploads, reverse=True)
    assert upload(s, apart) == pytest.approx(upload(s, together), rel=1e-6)


def test_faithful_never_lets_leakage_rise(scenario):
    """(58) is a ratchet: the leakage into each radar only falls."""
    seen = []

    class Spy(InProcess):
        def ask(self, messages):
            answers = super().ask(messages)
            if isinstance(messages[0], say.Improve):
                seen.append(sum(np.sum(answer.leakage, axis=0) for answer, _ in answers))
            return answers

    solution, run = converse(scenario, Rules(beam_steps=6), transport=Spy())
    assert run is not None
    assert bool(EVALUATE(scenario, solution).feasible)
    before, after = np.stack(seen[:-1]), np.stack(seen[1:])
    assert np.all(after <= before * (1 + 1e-6))


def test_messages_are_counted(scenario):
    asked = []

    class Spy(InProcess):
        def ask(self, messages):
            answers = super().ask(messages)
            asked.extend([*messages, *(answer for answer, _ in answers)])
            return answers

    _, run = converse(scenario, dataclasses.replace(PLUS, beam_steps=4), transport=Spy())
    assert run is not None
    assert run.traffic.total_messages == len(asked)
    assert run.traffic.total_bytes == sum(message.nbytes for message in asked)
    assert len(run.traffic.station_seconds) == 2
    counts = [step["bytes"] for step in run.steps]
    assert counts == sorted(counts)
    assert say.Beams(np.zeros((4, 3), complex)).nbytes == 4 * 3 * 16


class Dies(InProcess):
    """A station that is lost at the n-th message of a kind."""

    def __init__(self, kind, count):
        self._kind, self._left = kind, count

    def ask(self, messages):
        if isinstance(messages[0], self._kind):
            self._left -= 1
            if self._left < 0:
                raise StationLost(1, "it fell")
        return super().ask(messages)


@pytest.mark.parametrize(("kind", "count"), [(say.Listen, 3), (say.Beams, 0), (say.Toll, 5)])
def test_a_lost_station_leaves_the_last_feasible_decision(scenario, kind, count):
    solution, run = converse(scenario, PLUS, transport=Dies(kind, count))
    assert run is not None
    assert not run.converged
    assert "base station 1 is lost" in run.ended
    if kind is not say.Beams:  # before the first rates nobody has offloaded anything
        assert bool(EVALUATE(scenario, solution).feasible)
        assert int(solution.status) == Status.ITERATION_LIMIT
        whole, _ = converse(scenario, PLUS)
        assert upload(scenario, solution) >= upload(scenario, whole) * (1 - 1e-9)


def test_stations_in_processes_give_the_same_numbers_and_may_die(scenario):
    """One code path: only the transport differs. Then a worker is killed under way."""
    distributed = pytest.importorskip("distributed")
    from trinode.systems.threetier.agents import Processes

    rules = dataclasses.replace(PLUS, beam_steps=5)
    here, one = converse(scenario, rules)
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster, timeout=60) as client,
    ):
        there, two = converse(scenario, rules, transport=Processes(client, timeout_s=40))
        assert one is not None
        assert two is not None
        np.testing.assert_allclose(np.asarray(there.precoder), np.asarray(here.precoder), rtol=1e-10, atol=1e-10)
        assert two.traffic.messages == one.traffic.messages
        assert two.traffic.nbytes == one.traffic.nbytes
        transport = Processes(client, timeout_s=20)

        def kill(step):
            if step["algorithm"] == "2" and step["step"] == 2:
                address = transport.workers[1]
                victim = next(w for w in cluster.workers.values() if w.worker_address == address)
                victim.process.process._process.kill()

        left, three = converse(scenario, rules, transport=transport, watch=kill)
        assert three is not None
        assert "base station 1 is lost" in three.ended
        assert int(left.status) == Status.ITERATION_LIMIT
        assert bool(EVALUATE(scenario, left).feasible)


def test_stations_only_know_their_own_terminals(scenario):
    t, _ = host.prepared(scenario)
    home = np.array([0, 1, 0, 1])
    parts = host.station_data(t, home)
    for place, part in enumerate(parts):
        np.testing.assert_array_equal(part.records.terminal, np.flatnonzero(home == place))
        assert part.channel.shape == (4, 5, 3)
    station = BaseStation(parts[0])
    given, _ = station.handle(say.Release(np.array([2])))
    with pytest.raises(KeyError):
        station.handle(say.Assess(np.array([2]), np.ones((1, 3), complex)))
    station.handle(given)
    back, _ = station.handle(say.Assess(np.array([2]), np.ones((1, 3), complex)))
    assert back.leakage.shape == (1, 4)


def test_consensus_step_equals_cvxpy():
    """(29) on a station whose capacity binds, its sizes uneven."""
    cp = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(2)
    k = 5
    size = rng.uniform(1.0, 3.0, k)
    demands = say.Demands(
        np.arange(k), rng.uniform(4, 6, k), rng.uniform(2, 3, k), rng.uniform(0.5, 1, k), rng.uniform(0.6, 1.2, k),
        size, np.zeros(k), np.ones(k), np.array([4.0]),
    )  # fmt: skip
    records = say.Records(*(np.zeros(0, int), np.zeros((0, k, 2, 2)), *(np.zeros(0) for _ in range(5))))
    channel = rng.normal(size=(k, 4, 2)) + 1j * rng.normal(size=(k, 4, 2))
    station = BaseStation(StationData(channel, 3.0, demands, records))
    station.handle(demands)
    rates, _ = station.handle(say.Beams(rng.normal(size=(k, 2)) + 0j))
    edge, cloud = rng.normal(size=k), rng.normal(size=k)
    mine, _ = station.handle(say.Consensus(edge, cloud))
    spent = demands.task_bits / (3.0 * rates.nats)
    cost = [spent + rest - demands.local_s for rest in (demands.edge_s, demands.cloud_s)]
    x, y = cp.Variable(k), cp.Variable(k)
    rho = consensus_penalty(demands)
    value = cost[0] @ x + cost[1] @ y + rho / 2 * (cp.sum_squares(x - edge) + cp.sum_squares(y - cloud))
    cp.Problem(cp.Minimize(value), [x >= 0, x <= 1, y >= 0, y <= 1, size @ x <= 4.0]).solve(solver=cp.CLARABEL)
    np.testing.assert_allclose(mine.edge, x.value, atol=1e-5)
    np.testing.assert_allclose(mine.cloud, y.value, atol=1e-5)


@pytest.mark.parametrize("capacity", [0.0, 0.7, 3.0, 100.0])
def test_a_full_server_has_one_price(capacity):
    """Against the bisection of the paper; entries that need nothing, are far above 1, or are equal, among them."""
    wanted = np.array([0.4, 7.0, -2.0, 0.9, 0.9, 1.3, 0.8])
    size = np.array([1.0, 2.5, 3.0, 0.5, 0.5, 0.0, 4.0])
    low, high = 0.0, 100.0
    for _ in range(200):
        price = (low + high) / 2
        full = np.clip(wanted - price * size, 0, 1) @ size > capacity
        low, high = (price, high) if full else (low, price)
    np.testing.assert_allclose(within_capacity(wanted, size, capacity), np.clip(wanted - high * size, 0, 1), atol=1e-12)


def test_a_server_without_room_or_filled_exactly_takes_what_fits():
    """Where the load at the last price, or at none, is off by rounding."""
    rng = np.random.default_rng(4)
    for _ in range(500):
        wanted, size = rng.normal(0.5, 1.0, 6), rng.uniform(0.1, 3.0, 6)
        whole = float(np.clip(wanted, 0, 1) @ size)
        for capacity in (0.0, whole * (1 - 1e-16), whole * (1 - 3e-16), 0.3 * whole):
            copies = within_capacity(wanted, size, capacity)
            assert np.all((copies >= 0) & (copies <= 1))
            assert copies @ size == pytest.approx(capacity, rel=1e-12, abs=1e-12)


def test_receivers_make_the_surrogate_touch_the_rate():
    """(48): with the receivers of the present beams, values and slopes are those of the upload times."""
    rng = np.random.default_rng(0)
    k, a, t = 4, 5, 3
    channel = rng.normal(size=(k, a, t)) + 1j * rng.normal(size=(k, a, t))
    w = rng.normal(size=(k, t)) + 1j * rng.normal(size=(k, t))
    bits = rng.uniform(1, 2, k)
    served = np.array([1, 3])
    found = wmmse.receivers(channel, w, served, bits)
    nats = wmmse.spectral_efficiency(channel, w)
    np.testing.assert_allclose(found.upload, bits[served] / nats[served], rtol=1e-10)

    def surrogate(w):
        each = 0.0
        for n, i in enumerate(served):
            heard = np.einsum("kt,kt->k", found.vectors[n].conj(), w)
            each += np.sum(np.abs(heard) ** 2) - 2 * found.pull[n] * heard[i].real
        return each

    def truth(w):
        return np.sum(bits[served] / wmmse.spectral_efficiency(channel, w)[served])

    step = rng.normal(size=(k, t)) + 1j * rng.normal(size=(k, t))
    h = 1e-6
    slopes = [(f(w + h * step) - f(w - h * step)) / (2 * h) for f in (surrogate, truth)]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-5)


def test_prices_maximise_a_known_dual():
    """max -(1/2) p'Hp + c'p over p >= 0, once with a price at 0."""
    matrix, c = np.array([[2.0, 0.3], [0.3, 1.0]]), np.array([1.0, -0.5])

    def ask(p):
        return pricing.Dual(float(c @ p - 0.5 * p @ matrix @ p), c - matrix @ p, -matrix)

    price, met = pricing.maximise(ask, np.zeros(2), np.ones(2, bool), 1e-10)
    assert met
    np.testing.assert_allclose(price, [0.5, 0.0], atol=1e-9)


def test_rounding_keeps_capacity(scenario):
    """Algorithm 1 ends in whole places, within every server: one task of 3 in each of 4 GHz."""
    solution, run = converse(scenario, Rules(beam_steps=1))
    assert run is not None
    assert any(step["algorithm"] == "1" for step in run.steps)
    assert np.all(np.asarray(solution.edge_choice).sum(axis=0) <= 1)
    assert np.all(np.asarray(solution.edge_choice | solution.cloud_choice).sum(axis=1) <= 1)
