// The map of a decision: nodes that can be moved, links, beams as lobes, walls.
import { svg } from "./api.js";

export const TIERS = { itself: "computes itself", edge: "at the edge", cloud: "in the cloud", mixed: "in part" };
const STEP = 0.01;

export class NetworkMap {
  // moved(kind, index, [x, y]) is called while a node is dragged or pushed.
  constructor(label, moved) {
    this.moved = moved;
    this.root = svg("svg", { class: "map", role: "group", "aria-label": label, preserveAspectRatio: "xMidYMid meet" });
    this.layers = ["walls", "blocked", "links", "lobes", "nodes"].map((name) => svg("g", { class: name }));
    this.root.append(...this.layers);
    this.nodes = new Map();
    this.dragged = null;
    this.root.addEventListener("pointerdown", (event) => this.take(event));
    this.root.addEventListener("pointermove", (event) => this.carry(event));
    for (const end of ["pointerup", "pointercancel"]) this.root.addEventListener(end, () => { this.dragged = null; });
  }

  // Choose the section of the plane that is shown.
  frame(view) {
    const all = [...view.terminals, ...view.aps].map((one) => one.at);
    const low = [0, 1].map((axis) => Math.min(...all.map((at) => at[axis])));
    const high = [0, 1].map((axis) => Math.max(...all.map((at) => at[axis])));
    this.span = Math.max(high[0] - low[0], high[1] - low[1], 10);
    const margin = 0.13 * this.span;
    this.low = low.map((x) => x - margin);
    this.high = high.map((x) => x + margin);
    this.box = [this.low[0], -this.high[1], this.high[0] - this.low[0], this.high[1] - this.low[1]];
    this.root.setAttribute("viewBox", this.box.join(" "));
  }

  walls(lines) {
    const path = lines.map(([a, b, c, d]) => `M${a} ${-b}L${c} ${-d}`).join("");
    this.layers[0].replaceChildren(...(path ? [svg("path", { d: path })] : []));
  }

  draw(view, movable) {
    this.view = view;
    this.movable = movable && !view.schematic;
    this.root.classList.toggle("movable", this.movable);
    const unit = this.span / 100;
    const at = (one) => [one.at[0], -one.at[1]];
    const between = (k, m) => [...at(view.terminals[k]), ...at(view.aps[m])];
    this.layers[1].replaceChildren(...(view.terminals.length * view.aps.length > 100 ? [] : view.blocked).map(([k, m]) => {
      const [x, y, u, v] = between(k, m);
      const [cx, cy, r] = [(x + u) / 2, (y + v) / 2, 0.8 * unit];
      return svg("path", { d: `M${x} ${y}L${u} ${v}M${cx - r} ${cy - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}` });
    }));
    this.layers[2].replaceChildren(...view.links.map(({ terminal, ap, share }) => {
      const [x1, y1, x2, y2] = between(terminal, ap);
      const width = (0.2 + 0.9 * share) * unit;
      return svg("line", { x1, y1, x2, y2, "stroke-width": width, class: view.terminals[terminal].tier });
    }));
    const lobes = [];
    const add = (one) => {
      if (!one.lobe) return;
      const [x, y] = at(one);
      const points = one.lobe.map((radius, n) => {
        const angle = (2 * Math.PI * n) / one.lobe.length;
        return `${(x + 9 * unit * radius * Math.cos(angle)).toFixed(2)},${(y - 9 * unit * radius * Math.sin(angle)).toFixed(2)}`;
      });
      lobes.push(svg("polygon", { points: points.join(" "), class: one.tier, "stroke-width": 0.15 * unit }));
      for (const angle of one.towards ?? []) {
        const [x2, y2] = [x + 11 * unit * Math.cos(angle), y - 11 * unit * Math.sin(angle)];
        lobes.push(svg("line", { x1: x, y1: y, x2, y2, class: "towards", "stroke-width": 0.25 * unit }));
      }
    };
    view.terminals.forEach(add);
    this.layers[3].replaceChildren(...lobes);
    const wanted = new Set();
    view.aps.forEach((one, m) => this.node("ap", m, one, unit, wanted));
    view.terminals.forEach((one, k) => this.node("terminal", k, one, unit, wanted));
    for (const [key, one] of this.nodes) {
      if (!wanted.has(key)) { one.remove(); this.nodes.delete(key); }
    }
  }

  node(kind, index, one, unit, wanted) {
    const key = `${kind}-${index}`;
    wanted.add(key);
    let group = this.nodes.get(key);
    if (!group) {
      group = svg("g", { "data-kind": kind, "data-index": index });
      group.addEventListener("keydown", (event) => this.push(event, kind, index));
      this.nodes.set(key, group);
      this.layers[4].append(group);
    }
    const small = this.view.aps.length > 20 && kind === "ap";
    const r = (small ? 1.1 : 2.3) * unit;
    const shapes = {
      ap: `M0 ${-1.15 * r}L${r} ${0.75 * r}L${-r} ${0.75 * r}Z`,
      edge: `M${-0.9 * r} ${-0.9 * r}h${1.8 * r}v${1.8 * r}h${-1.8 * r}Z`,
      cloud: `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0Z`,
    };
    const round = `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
    const shape = kind === "ap" ? shapes.ap : shapes[one.tier] ?? round;
    const name = kind === "ap" ? `access point ${index}` : `terminal ${index}`;
    const where = `at ${one.at[0].toFixed(0)}, ${one.at[1].toFixed(0)} m`;
    const said = kind === "ap" ? `${name} ${where}` : `${name} ${where}: ${one.note}${one.served ? "" : "; cannot be served"}`;
    group.setAttribute("class", `node ${kind} ${one.tier ?? ""} ${one.served === false ? "unserved" : ""}`);
    group.setAttribute("transform", `translate(${one.at[0]} ${-one.at[1]})`);
    group.setAttribute("aria-label", this.movable ? `${said}. Arrow keys move it.` : said);
    group.setAttribute("role", this.movable ? "button" : "img");
    group.setAttribute("tabindex", this.movable ? "0" : "-1");
    const parts = [svg("title", {}, said), svg("path", { d: shape, "stroke-width": 0.35 * unit })];
    if (kind === "terminal") parts.push(svg("text", { "font-size": 2.7 * unit, dy: 0.95 * unit }, String(index)));
    else if (!small) parts.push(svg("text", { "font-size": 2.5 * unit, dy: 4.5 * unit, "stroke-width": 0.6 * unit }, `AP${index}`));
    group.replaceChildren(...parts);
  }

  take(event) {
    const group = event.target.closest("[data-kind]");
    if (!group || !this.movable) return;
    this.dragged = [group.dataset.kind, Number(group.dataset.index)];
    this.root.setPointerCapture(event.pointerId);
    group.focus({ preventScroll: true });
    event.preventDefault();
  }

  carry(event) {
    if (!this.dragged) return;
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.root.getScreenCTM().inverse());
    this.move(...this.dragged, [place.x, -place.y]);
  }

  push(event, kind, index) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!(event.key in ways) || !this.movable) return;
    event.preventDefault();
    const far = (event.shiftKey ? 5 : 1) * STEP * this.span;
    const { at } = this.view[`${kind}s`][index];
    this.move(kind, index, ways[event.key].map((way, axis) => at[axis] + way * far));
  }

  move(kind, index, place) {
    const digits = this.span > 100 ? 1 : 2;
    const at = place.map((x, axis) => Number(Math.min(Math.max(x, this.low[axis]), this.high[axis]).toFixed(digits)));
    this.view[`${kind}s`][index].at = at;
    this.draw(this.view, this.movable);
    this.moved(kind, index, at);
  }
}
