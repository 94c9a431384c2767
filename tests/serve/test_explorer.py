"""The page in a real browser: what it shows is what the library answers; and the same without a browser."""

import json
import shutil

import numpy as np
import pytest

import trinode as tn
from trinode import _programs
from trinode.systems.registry import system, system_names

pytest.importorskip("fastapi", reason="needs the serve extra")
pytest.importorskip("uvicorn", reason="needs the serve extra")

from networks import filled, network
from trinode.serve import view, wire

PARAMS = {"terminals": 3, "access_points": 4, "ap_antennas": 2}
DRAW = {"system": "fairness", "seed": 3, "params": PARAMS}
PLACES = {"terminal_position_m": [[0.0, 1.0], [-200.0, 50.5], [300.0, -7.0]], "ap_position_m": [[10.0, 20.0]] * 4}


@_programs.long_runs()  # by programs compiled well, as a service's are
def ran(python):
    """The names that the page's Python defines."""
    names = {}
    exec(python, names)
    return names


@pytest.mark.parametrize("name", system_names())
def test_what_is_drawn_of_any_decision_is_the_judges(name):
    found = system(name)
    dice = np.random.default_rng(7)
    scenario, _ = network(name, dice)
    solution = found.Solution.from_arrays(filled(found.solution_schema, dice))
    report = tn.evaluate(scenario, solution, bound=False)
    shown = json.loads(wire.json_bytes(view.picture(found, "some", scenario, solution, report)))
    count, rows = len(np.asarray(solution.terminal_feasible)), shown["bars"]["rows"]
    assert len(shown["map"]["terminals"]) == len(rows) == count
    assert len(shown["map"]["aps"]) == len(scenario.ap_position_m)
    assert all(0 <= link["ap"] < len(shown["map"]["aps"]) for link in shown["map"]["links"])
    listed = {one["name"].partition(" [")[0] for one in shown["constraints"]}
    structure = {name for name in report.residuals if name not in listed}
    assert all(np.max(report.residuals[one]) <= 1e-6 for one in structure)
    broken = [one["name"].partition(" [")[0] for one in shown["constraints"] if one["state"] == "broken"]
    assert broken == [one["name"].partition(" [")[0] for one in shown["constraints"]][: len(broken)]
    assert set(broken) == {one for one in report.residuals if not np.max(report.residuals[one]) <= 1e-6}
    assert (shown["reason"] == "") is shown["feasible"] is bool(report.feasible)
    for slider in view.sliders(found):
        params = tn.parameters(name)
        assert all(slider.low <= float(getattr(params, one)) <= slider.high for one in slider.names), slider
        assert set(slider.arrays) <= set(found.scenario_schema)


def test_constraints_say_which_binds():
    report = tn.Report(1.0, {}, {"met": np.array([-0.5, -0.2]), "tight": -1e-5, "broken": 0.1, "kind": 0.0})
    assert [(one["name"], one["state"]) for one in view.constraints(report, ("kind",))] == [
        ("broken", "broken"),
        ("tight", "binds"),
        ("met [1]", "has room"),
    ]


@pytest.mark.parametrize("places", [{}, PLACES])
def test_the_python_gives_what_is_shown(service, places):
    asked = {**DRAW, **places, "params": {**PARAMS, "task_bits": 2e3}}
    status, _, shown = service.post("/v1/explore", asked)
    assert status == 200
    names = ran(shown["python"])
    assert float(names["report"].objective) == shown["objective"]["value"]
    assert float(names["report"].bound) == shown["bound"]["value"]
    for what, own in (("network", names["scenario"]), ("decision", names["solution"])):
        status, _, content = service.ask(
            "POST", f"/v1/explore/{what}", json.dumps(asked), {"content-type": "application/json"}
        )
        assert status == 200
        theirs = wire._from_file(content, what, 2**20, [])[1]
        schema = system("fairness").scenario_schema if what == "network" else {"power_fraction": None}
        for name in schema:
            if getattr(own, name) is not None:
                assert np.array_equal(getattr(theirs, name), getattr(own, name)), name


def test_a_file_is_shown_and_slid(service, tmp_path, monkeypatch):
    made = tn.draw("fairness", seed=5, **PARAMS)
    tn.save(tmp_path / "mine.npz", made)
    import base64

    file = base64.b64encode((tmp_path / "mine.npz").read_bytes()).decode()
    asked = {"file": file, "file_name": "mine.npz", "times": {"task_bits": 0.5, "cycles_per_bit": 2.0}}
    status, _, shown = service.post("/v1/explore", asked)
    assert (status, shown["system"], shown["movable"]) == (200, "fairness", False)
    monkeypatch.chdir(tmp_path)
    assert float(ran(shown["python"])["report"].objective) == shown["objective"]["value"]
    for wrong in ({"times": {"nowhere": 2.0}}, {"params": {"task_bits": 1.0}}, {"ap_position_m": [[0.0, 0.0]]}):
        assert service.post("/v1/explore", {**asked, **wrong})[0] == 422


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Headless Chromium that saves what it downloads."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    binary, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
    if not binary or not driver:
        pytest.skip("needs chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,1000"):
        options.add_argument(word)
    folder = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driven = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    driven.folder = folder
    yield driven
    driven.quit()


@pytest.fixture
def page(browser, service):
    """The page, ready, of the small size; nothing may be said on its console."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    class Page:
        driver = browser
        wait = WebDriverWait(browser, 60, poll_frequency=0.05)

        def find(self, selector):
            return browser.find_element(By.CSS_SELECTOR, selector)

        def run(self, script, *arguments):
            return browser.execute_script(f"return {script}", *arguments)

        def answered(self, action):
            """Do something, and wait for its answer."""
            before = self.run("Number(document.body.dataset.answers ?? 0)")
            action()
            self.ready(before)

        def ready(self, before=0):
            script = "document.body.dataset.state === 'ready' && Number(document.body.dataset.answers) > arguments[0]"
            self.wait.until(lambda _: self.run(script, before))

        def shown(self, pane=0):
            """Objective by the page's Python, which has to be what its words say."""
            python = self.run("document.querySelectorAll('.pane pre')[arguments[0]].textContent", pane)
            names = ran(python)
            text = view.readable(float(names["report"].objective), "s")
            assert text in self.run("document.querySelectorAll('.status')[arguments[0]].textContent", pane)
            return names

        def slide(self, name, place):
            self.run(
                "(([one, place]) => { one.value = place; for (const kind of ['input', 'change'])"
                " one.dispatchEvent(new Event(kind, {bubbles: true})); })(arguments)",
                self.find(f"input[data-name={name}]"),
                place,
            )

    page = Page()
    browser.get(f"http://127.0.0.1:{service.port}/")
    page.ready()
    yield page
    assert browser.get_log("browser") == []


def test_it_loads_drags_slides_switches_and_compares(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select

    first = page.shown()
    assert first["scenario"].terminal_position_m.shape == (3, 2)
    node = page.find("[data-kind=terminal][data-index='1']")
    page.answered(lambda: ActionChains(page.driver).drag_and_drop_by_offset(node, 40, -25).perform())
    dragged = page.shown()
    moved = np.asarray(dragged["scenario"].terminal_position_m - first["scenario"].terminal_position_m)
    assert np.abs(moved[[0, 2]]).max() < 0.1  # as exact as they are written
    assert (moved[1] * [1, 1] > 1).all()
    node = page.find("[data-kind=ap][data-index='2']")
    page.answered(lambda: node.send_keys(Keys.ARROW_LEFT))
    pushed = page.shown()
    step = np.asarray(pushed["scenario"].ap_position_m - dragged["scenario"].ap_position_m)
    assert step[2, 0] < -1
    assert np.abs(np.delete(step.ravel(), 4)).max() < 0.1
    page.answered(lambda: page.slide("task_bits", 800))
    slid = page.shown()
    assert float(slid["scenario"].task_bits[0]) > 2e3
    page.answered(lambda: page.find("#compare").click())
    Select(page.find("#scheme-1")).select_by_value("full-power")
    page.ready()
    page.wait.until(lambda _: "full-power" in page.run("document.querySelectorAll('.pane h2')[1].textContent"))
    page.ready()
    one, other = page.shown(0), page.shown(1)
    assert np.array_equal(one["scenario"].uplink_channel, other["scenario"].uplink_channel)
    ratio = float(other["report"].objective / one["report"].objective) - 1
    assert f"{100 * ratio:.4g}"[:4] in page.find("#difference").text
    page.answered(lambda: page.find("#reset").click())
    assert np.array_equal(page.shown()["scenario"].uplink_channel, first["scenario"].uplink_channel)


def test_it_downloads_copies_and_opens_what_it_shows(page):
    python = page.find(".pane pre").get_attribute("textContent")
    allowed = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    page.driver.execute_cdp_cmd("Browser.grantPermissions", allowed)
    page.find("button.copy").click()
    page.wait.until(lambda _: page.find("button.copy").text == "Copied")
    copied = page.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == python
    own = page.shown()
    for button, name in (("#network", "network.npz"), ("button.decision", "solution.npz")):
        page.find(button).click()
        page.wait.until(lambda _, name=name: (page.driver.folder / name).exists())
    saved = tn.load(page.driver.folder / "solution.npz")
    assert np.array_equal(saved.power_fraction, own["solution"].power_fraction)
    page.answered(lambda: page.find("#file").send_keys(str(page.driver.folder / "network.npz")))
    assert page.find("#file-name").text == "network.npz"
    assert "tn.load('network.npz')" in page.find(".pane pre").get_attribute("textContent")
    assert page.find(".status").text.startswith(f"largest latency {view.readable(float(own['report'].objective), 's')}")
    (page.driver.folder / "broken.npz").write_bytes(b"PK")
    page.answered(lambda: page.find("#file").send_keys(str(page.driver.folder / "broken.npz")))
    assert "allowed: a scenario or solution file" in page.find("p.fault").text
    page.driver.get_log("browser")  # the refusal of the broken file


def test_it_is_readable_in_a_narrow_window_and_by_keys(page):
    page.driver.set_window_size(420, 900)
    try:
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.driver.set_window_size(1280, 1000)
    unnamed = "[...document.querySelectorAll('input, select, button, [tabindex=\"0\"]')]"
    unnamed += ".filter((one) => !one.labels?.length && !one.textContent && !one.getAttribute('aria-label')).length"
    assert page.run(unnamed) == 0
    assert page.run("document.querySelectorAll('.node[tabindex=\"0\"]').length") == 7
