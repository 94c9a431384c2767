// The setup: what is chosen, slid and dragged; one pane for each scheme that is shown.
import { base64, get, make, readable } from "./api.js";
import { Pane } from "./pane.js";

const at = (id) => document.getElementById(id);
const offered = await get("/v1/explore");
const systems = Object.fromEntries(offered.systems.map((one) => [one.name, one]));
const { first } = offered;
const setup = { system: first.system, schemes: [first.schemes[0], first.schemes[1] ?? ""], source: "drawn", seed: 0, trial: 0 };
const MOVES = "Drag a terminal or an access point; or go to it with Tab and move it with the arrow keys (Shift: farther). "
  + "Path losses follow the places, the small-scale fading stays.";
const STAYS = "Channels that are given hold for their places: nothing can be dragged.";
const walls = new Map();
const panes = [];
let answers = 0;
forget();

// Whatever belongs to one network only. ``key`` names the network, ``steady`` what is not slid or dragged: an answer that
// is of another one is not waited for.
function forget() {
  const params = setup.system === first.system && setup.source === "drawn" ? { ...first.params } : {};
  Object.assign(setup, { params, times: {}, places: null });
}

function asked(number) {
  const body = { system: setup.system, scheme: setup.schemes[number], seed: setup.seed, trial: setup.trial };
  const key = [setup.system, setup.source, setup.seed, setup.trial, setup.fileNumber ?? 0].join("|");
  const steady = [key, body.scheme, setup.size].join("|");
  const said = { key, steady };
  if (setup.source === "file") return { ...said, body: { ...body, file: setup.file, file_name: setup.fileName, times: setup.times } };
  body.params = setup.params;
  if (setup.source !== "drawn") return { ...said, body: { ...body, channels: setup.source } };
  return { ...said, body: { ...body, ...setup.places } };
}

function update() {
  document.body.dataset.state = "busy";
  for (const pane of panes) pane.update();
}

function moved(kind, index, place) {
  const { map } = panes.find((one) => one.view).view;
  setup.places ??= {
    terminal_position_m: map.terminals.map((one) => one.at),
    ap_position_m: map.aps.map((one) => one.at),
  };
  setup.places = structuredClone(setup.places);
  setup.places[`${kind}_position_m`][index] = place;
  for (const pane of panes) {
    if (!pane.view) continue;
    pane.view.map[`${kind}s`][index].at = place;
    pane.map.draw(pane.view.map, pane.view.movable);
  }
  update();
}

function answered(pane) {
  answers += 1;
  document.body.dataset.answers = answers;
  document.body.dataset.milliseconds = JSON.stringify(panes.map((one) => one.times.at(-1) ?? null));
  if (setup.source === "file" && pane.view && pane.view.system !== setup.system) {
    setup.system = pane.view.system;
    at("system").value = setup.system;
    setup.schemes = [pane.view.scheme, pane.view.scheme];
    listSchemes();
    listSliders();
  }
  at("moving").textContent = pane.view?.movable ? MOVES : pane.view ? STAYS : "";
  drawWalls();
  compared();
  if (panes.every((one) => !one.busy)) document.body.dataset.state = "ready";
}

async function drawWalls() {
  const name = offered.channels.some((one) => one.name === setup.source) ? setup.source : "";
  if (name && !walls.has(name)) walls.set(name, await get(`/v1/walls/${name}`));
  for (const pane of panes) pane.map.walls(name ? walls.get(name) : []);
}

function compared() {
  const [one, other] = panes.map((pane) => pane.view?.feasible ? pane.view : null);
  let words = "";
  if (panes.length === 2 && one && other) {
    const ratio = other.objective.value / one.objective.value - 1;
    const much = `${readable(100 * Math.abs(ratio))} %`;
    words = Math.abs(ratio) < 1e-6 ? `${other.scheme} does as well as ${one.scheme}`
      : `${one.objective.name} of ${other.scheme} is ${much} ${ratio > 0 ? "larger" : "smaller"} than of ${one.scheme}`;
  }
  at("difference").textContent = words;
}

function listSchemes() {
  const { schemes } = systems[setup.system];
  for (const number of [0, 1]) {
    const select = at(`scheme-${number}`);
    select.replaceChildren(...schemes.map((one) => make("option", { value: one.name, title: one.summary }, one.name)));
    if (!schemes.some((one) => one.name === setup.schemes[number])) {
      setup.schemes[number] = schemes[Math.min(number, schemes.length - 1)].name;
    }
    select.value = setup.schemes[number];
  }
  at("title").textContent = systems[setup.system].title;
}

function listSliders() {
  const { sliders, fixed } = systems[setup.system];
  const file = setup.source === "file";
  const shown = sliders.filter((one) => file ? one.arrays.length
    : setup.source === "drawn" || !one.names.some((name) => fixed.includes(name)));
  at("sliders").replaceChildren(make("legend", {}, "Parameters"),
    ...shown.map((one) => ({ ...one, value: setup.params[one.names[0]] ?? one.value })).map((one) => slider(file ? { ...one, low: 0.1, high: 10, scale: "log", value: 1, unit: "", file } : one)));
  if (file && !shown.length) at("sliders").append(make("p", { class: "hint" }, "nothing to slide"));
}

function slider(one) {
  const logarithmic = one.scale === "log";
  const value = (place) => {
    const part = place / 1000;
    if (one.scale === "whole") return Math.round(one.low + part * (one.high - one.low));
    const raw = logarithmic ? one.low * (one.high / one.low) ** part : one.low + part * (one.high - one.low);
    return Number(raw.toPrecision(3));
  };
  const place = (x) => 1000 * (logarithmic ? Math.log(x / one.low) / Math.log(one.high / one.low) : (x - one.low) / (one.high - one.low));
  const step = one.scale === "whole" ? 1000 / (one.high - one.low) : 1;
  const input = make("input", { type: "range", min: 0, max: 1000, step, "data-name": one.names[0] });
  input.value = place(one.value);
  const said = make("output");
  const tell = (x) => {
    said.textContent = one.file ? `× ${x}` : readable(x, one.unit);
    input.setAttribute("aria-valuetext", said.textContent);
  };
  tell(one.value);
  input.addEventListener("input", () => tell(value(input.value)));
  input.addEventListener(one.scale === "whole" ? "change" : "input", () => {
    const now = value(input.value);
    if (one.file) for (const name of one.arrays) setup.times[name] = now;
    else for (const name of one.names) setup.params[name] = now;
    if (one.scale === "whole") setup.size = JSON.stringify(setup.params);
    update();
  });
  return make("label", { class: "slider" }, make("span", {}, one.label), input, said);
}

function show(number) {
  const pane = new Pane(number, asked, moved, answered);
  panes.push(pane);
  at("panes").append(pane.root);
  at("panes").classList.toggle("two", panes.length === 2);
}

function begin() {
  forget();
  const { source } = setup;
  const { layouts } = offered.channels.find((one) => one.name === source) ?? {};
  at("trial-label").firstElementChild.textContent = layouts ? "Layout" : "Trial";
  at("trial").max = layouts ? layouts - 1 : 2147483647;
  for (const id of ["seed-label", "trial-label"]) at(id).hidden = source === "file";
  listSchemes();
  listSliders();
  update();
}

for (const one of offered.systems) at("system").append(make("option", { value: one.name }, one.name));
for (const one of offered.channels) at("source").append(make("option", { value: one.name }, `${one.name}, ray traced`));
at("system").value = setup.system;
at("system").addEventListener("change", (event) => {
  setup.system = event.target.value;
  setup.schemes = ["", ""];
  if (setup.source === "file") { setup.source = "drawn"; at("source").value = "drawn"; at("file-name").textContent = ""; }
  begin();
});
at("source").addEventListener("change", (event) => {
  setup.source = event.target.value;
  setup.trial = 0;
  at("trial").value = 0;
  at("file-name").textContent = "";
  begin();
});
for (const name of ["seed", "trial"]) {
  at(name).addEventListener("change", (event) => {
    if (!event.target.reportValidity()) return;
    setup[name] = Number(event.target.value);
    setup.places = null;
    update();
  });
}
for (const number of [0, 1]) {
  at(`scheme-${number}`).addEventListener("change", (event) => {
    setup.schemes[number] = event.target.value;
    update();
  });
}
at("compare").addEventListener("change", (event) => {
  at("scheme-1-label").hidden = !event.target.checked;
  if (event.target.checked) show(1);
  else panes.pop().root.remove();
  at("panes").classList.toggle("two", panes.length === 2);
  compared();
  update();
});
at("file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  setup.source = "file";
  setup.file = await base64(file);
  setup.fileName = file.name;
  setup.fileNumber = (setup.fileNumber ?? 0) + 1;
  setup.schemes = ["", ""];
  event.target.value = "";
  at("file-name").textContent = file.name;
  if (!at("source").querySelector("[value=file]")) at("source").append(make("option", { value: "file" }, "a file"));
  at("source").value = "file";
  forget();
  for (const id of ["seed-label", "trial-label"]) at(id).hidden = true;
  update();
});
at("reset").addEventListener("click", begin);
at("network").addEventListener("click", () => panes[0].download("network", "network.npz"));
at("controls").addEventListener("submit", (event) => event.preventDefault());

show(0);
begin();
