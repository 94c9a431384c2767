"""How long does the page of `trinode explore` take to answer a drag? In a real browser, at the paper's sizes.

python benchmarks/explore.py [--drags 50] [--system latency --system threetier]

Needs chromium, chromedriver and selenium. Prints a table in the format of docs/live.md: the time from a node's last
movement to the new decision on the page (without the bound, which follows), what of it the service spends on the draw,
the decision and the judge where nothing disturbs it, and processor time of the service.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

PATIENCE_S = 1800
"""For the compiler."""


def browser() -> Any:
    """Headless Chromium."""
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"):
        options.add_argument(word)
    return webdriver.Chrome(options=options)


def processor_s(process: int) -> float:
    """Processor time that a process has taken."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def drags(driver: Any, count: int) -> list[float]:
    """Milliseconds to the answer of each."""
    wait, found = WebDriverWait(driver, PATIENCE_S, poll_frequency=0.02), []
    for number in range(count):
        before = driver.execute_script("return Number(document.body.dataset.answers)")
        node = driver.find_element(By.CSS_SELECTOR, f"[data-kind=terminal][data-index='{number % 6}']")
        ActionChains(driver, duration=0).drag_and_drop_by_offset(node, 8 * (-1) ** (number // 6), 5).perform()
        script = "return document.body.dataset.state == 'ready' && Number(document.body.dataset.answers) > arguments[0]"
        wait.until(lambda _, before=before, script=script: driver.execute_script(script, before))
        found.append(json.loads(driver.execute_script("return document.body.dataset.milliseconds"))[0])
    return found


def alone(where: str, system: str, count: int) -> list[dict[str, float]]:
    """Seconds of the steps of answers, one after the other."""
    body = json.dumps({"system": system, "bound": False}).encode()
    found = []
    for _ in range(count):
        request = urllib.request.Request(f"{where}v1/explore", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            found.append(json.load(answer)["seconds"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drags", type=int, default=50)
    parser.add_argument("--system", action="append")
    given = parser.parse_args()
    systems = given.system or ["latency", "threetier"]
    words = [sys.executable, "-m", "trinode", "explore", "--no-browser"]
    words += [word for name in systems for word in ("--size", name)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        where = re.search(r"http\S+", process.stdout.readline()).group(0)
        driver = browser()
        try:
            driver.get(where)
            wait = WebDriverWait(driver, PATIENCE_S)
            for name in systems:  # whatever has to be compiled is, before a clock runs
                alone(where, name, 1)
            print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
            print(
                "| system | answer to a drag, ms: least / median / most | draw, decision, judge, ms (least) | CPU, ms |"
            )
            print("| --- | --- | --- | --- |")
            for name in systems:
                Select(driver.find_element(By.ID, "system")).select_by_value(name)
                title = f"document.querySelector('.pane h2').textContent.startsWith('{name}')"
                wait.until(
                    lambda _, title=title: driver.execute_script(
                        f"return document.body.dataset.state == 'ready' && {title}"
                    )
                )
                drags(driver, 2)  # the first draws on given places
                times = drags(driver, given.drags)
                before = processor_s(process.pid)
                steps = alone(where, name, given.drags)
                cpu = 1e3 * (processor_s(process.pid) - before) / given.drags
                least = ", ".join(f"{1e3 * min(one[step] for one in steps):.0f}" for step in steps[0])
                quantiles = " / ".join(f"{value:.0f}" for value in (min(times), np.median(times), max(times)))
                print(f"| {name} | {quantiles} | {least} | {cpu:.0f} |", flush=True)
        finally:
            driver.quit()
            process.terminate()


if __name__ == "__main__":
    main()
