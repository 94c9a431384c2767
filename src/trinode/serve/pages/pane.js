// One scheme's decision for the setup: asks, draws, asks again for the newest setup while it changes.
import { Fault, make, post, readable, save } from "./api.js";
import { bars, constraints, echoes } from "./charts.js";
import { NetworkMap, TIERS } from "./map.js";

const PATIENCE_MS = 500;

export class Pane {
  // setup() says what is asked for; answered(pane) is called after each answer.
  constructor(number, setup, moved, answered) {
    Object.assign(this, { number, setup, answered, view: null, busy: false, wanted: false, framed: "", times: [] });
    this.map = new NetworkMap("map", moved);
    this.status = make("p", { class: "status", "aria-live": "polite" });
    this.fault = make("p", { class: "fault", role: "alert", hidden: "" });
    this.heading = make("h2");
    this.charts = ["bars", "echoes", "constraints"].map((name) => make("section", { class: name }));
    this.python = make("pre", { tabindex: "0", "aria-label": "Python that gives what is shown" });
    const copy = make("button", { type: "button", class: "copy" }, "Copy as Python");
    const decision = make("button", { type: "button", class: "decision" }, "Download decision");
    copy.addEventListener("click", () => this.copy(copy));
    decision.addEventListener("click", () => this.download("decision", "solution.npz"));
    this.legend = make("p", { class: "legend" }, ...Object.entries(TIERS).map(([tier, words]) =>
      make("span", { class: `key tier ${tier}` }, words)),
      make("span", { class: "key lobe" }, "radiated power over the angle"),
      make("span", { class: "key line towards" }, "target, and its mirror image"),
      make("span", { class: "key line blocked" }, "blocked"));
    const left = make("div", {}, this.map.root, this.legend, make("div", { class: "buttons" }, copy, decision),
      make("details", {}, make("summary", {}, "Python"), this.python));
    this.root = make("article", { class: "pane", "aria-busy": "true" }, this.heading, this.status, this.fault, left,
      make("div", {}, ...this.charts));
  }

  // Ask for what the setup is now; of many wishes meanwhile the last one counts.
  async update() {
    this.wanted = true;
    if (this.busy) {
      if (this.setup(this.number).steady !== this.steady) this.abort?.abort();
      return;
    }
    this.busy = true;
    this.root.setAttribute("aria-busy", "true");
    while (this.wanted) {
      this.wanted = false;
      await this.ask(false);
      if (!this.wanted && this.view) await this.ask(true);
    }
    this.busy = false;
    this.root.setAttribute("aria-busy", "false");
    this.answered(this);
  }

  async ask(bound) {
    const asked = this.setup(this.number);
    this.steady = asked.steady;
    this.abort = new AbortController();
    const begun = performance.now();
    const slow = setTimeout(() => { this.status.textContent = "working … (a new size is compiled first)"; }, PATIENCE_MS);
    try {
      const view = await (await post("/v1/explore", { ...asked.body, bound }, this.abort.signal)).json();
      if (!bound) this.times.push(performance.now() - begun);
      if (asked.key !== this.setup(this.number).key) return;  // something else by now
      this.show(view, asked);
    } catch (fault) {
      if (fault.name === "AbortError") return;
      if (!(fault instanceof Fault)) throw fault;
      this.fault.textContent = fault.message;
      this.fault.hidden = false;
      this.view = null;
      this.status.textContent = "";
      this.root.classList.add("stale");
    } finally {
      clearTimeout(slow);
    }
  }

  show(view, asked) {
    this.view = view;
    this.fault.hidden = true;
    this.root.classList.remove("stale");
    if (asked.key !== this.framed) {
      this.framed = asked.key;
      this.map.frame(view.map);
    }
    if (this.map.dragged && this.map.view) {  // the pointer is ahead of the answer
      const [kind, index] = this.map.dragged;
      view.map[`${kind}s`][index].at = this.map.view[`${kind}s`][index].at;
    }
    this.map.draw(view.map, view.movable);
    const drawn = new Set(view.map.terminals.flatMap((one) => [one.tier, ...(one.lobe ? ["lobe"] : []), ...(one.towards.length ? ["towards"] : [])]));
    if (view.map.blocked.length) drawn.add("blocked");
    for (const key of this.legend.children) key.hidden = ![...key.classList].some((name) => drawn.has(name));
    this.heading.textContent = `${view.system}: ${view.scheme}`;
    const { objective, bound, gap } = view;
    const parts = [view.feasible ? `${objective.name} ${objective.text}` : `cannot be met: ${view.reason}`];
    if (view.feasible && bound.value !== null) parts.push(`bound ${bound.text}`);
    if (gap !== null) parts.push(`at most ${readable(100 * gap)} % above the best possible`);
    parts.push(...view.repairs.map((one) => `repaired in the file: ${one}`));
    this.status.textContent = parts.join("; ");
    this.status.classList.toggle("fault", !view.feasible);
    const [first, second, third] = this.charts;
    first.replaceChildren(make("h3", {}, "Where it goes"), bars(view.bars));
    second.replaceChildren(make("h3", {}, "What is required"), echoes(view.echoes));
    third.replaceChildren(make("h3", {}, "What binds"), constraints(view.constraints));
    this.python.textContent = view.python;
  }

  async copy(button) {
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(this.python.textContent);
      button.textContent = "Copied";
    } catch {  // not allowed: it is selected, so that the keys do it
      this.python.parentElement.open = true;
      getSelection().selectAllChildren(this.python);
      button.textContent = "Selected: copy it with the keys";
    }
    setTimeout(() => { button.textContent = before; }, 2000);
  }

  async download(what, name) {
    try {
      save(await (await post(`/v1/explore/${what}`, { ...this.setup(this.number).body })).blob(), name);
    } catch (fault) {
      this.fault.textContent = fault.message;
      this.fault.hidden = false;
    }
  }
}
