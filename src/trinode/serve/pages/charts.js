// Bars with the bound as a line, echoes against what is required, and the constraints that bind.
import { make, readable, svg } from "./api.js";

const WIDE = 1000;

function row(name, note, drawing, value, title, faulty) {
  const one = make("tr", faulty ? { class: "fault" } : {});
  one.append(make("th", { scope: "row", title: note }, name), make("td", { class: "chart" }, drawing),
    make("td", { class: "number" }, value));
  if (title) one.title = title;
  return one;
}

function canvas(height, ...children) {
  return svg("svg", { viewBox: `0 0 ${WIDE} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...children);
}

function upright(x, height, kind) {
  return svg("line", { x1: x, x2: x, y1: 0, y2: height, class: kind });
}

export function bars(bars) {
  if (!bars.rows.length) return make("p", { class: "hint" }, "nothing to draw");
  const sums = bars.rows.flatMap((one) => one.bars.map((values) => values.reduce((a, b) => a + (b ?? 0), 0)));
  const marks = bars.rows.map((one) => one.mark ?? 0);
  const most = Math.max(...sums, ...marks, ...bars.lines.map((one) => one.value), 1e-300) * 1.03;
  const table = make("table", { class: "bars" });
  const legend = make("caption", {}, `${bars.title} `);
  bars.parts.forEach((part, n) => legend.append(make("span", { class: `key part-${n}` }, part)));
  bars.lines.forEach((line) => legend.append(make("span", { class: `key line ${line.name}` },
    `${line.label} ${readable(line.value, bars.unit)}`)));
  table.append(legend);
  for (const one of bars.rows) {
    const height = 20 / one.bars.length;
    const shapes = one.bars.flatMap((values, n) => {
      let at = 0;
      return values.map((value, part) => {
        const width = ((value ?? 0) / most) * WIDE;
        at += width;
        return svg("rect", { x: at - width, y: n * height + 1, width, height: height - 2, class: `part-${part}` });
      });
    });
    bars.lines.forEach((line) => shapes.push(upright((line.value / most) * WIDE, 20, line.name)));
    if (one.mark !== null) shapes.push(upright((one.mark / most) * WIDE, 20, "mark"));
    const whole = Math.max(...one.bars.map((values) => values.reduce((a, b) => a + (b ?? 0), 0)));
    const missing = one.bars.some((values) => values.some((value) => value === null));
    const parts = one.bars.flat().map((value, n) => `${bars.parts[n % bars.parts.length]}: ${readable(value, bars.unit)}`);
    table.append(row(one.name, one.note, canvas(20, ...shapes), missing ? "never" : readable(whole, bars.unit),
      `${one.note}\n${parts.join("\n")}`, !one.served));
  }
  return table;
}

export function echoes(said) {
  if (!said.rows.length) return make("p", { class: "hint" }, "nothing is required of echoes here");
  const known = said.rows.flatMap((one) => [one.value, one.required]).filter((x) => x !== null);
  const [low, high] = said.unit === "dB" ? [Math.min(...known) - 3, Math.max(...known) + 3] : [0, Math.max(...known) * 1.1];
  const x = (value) => ((value - low) / (high - low)) * WIDE;
  const table = make("table", { class: "echoes" });
  table.append(make("caption", {}, `${said.title} `, make("span", { class: "key echo" }, "reached"),
    make("span", { class: "key line required" }, said.at_most ? "at most" : "required")));
  for (const one of said.rows) {
    const shapes = [];
    if (one.value !== null) shapes.push(svg("rect", { x: 0, y: 3, width: x(one.value), height: 10, class: "echo" }));
    if (one.required !== null) shapes.push(upright(x(one.required), 16, "required"));
    const below = one.required !== null && !said.at_most && (one.value === null || one.value < one.required - 1e-4);
    table.append(row(one.name, "", canvas(16, ...shapes), readable(one.value, said.unit),
      `required: ${readable(one.required, said.unit)}`, below));
  }
  return table;
}

export function constraints(list) {
  const words = { binds: "binds", broken: "broken", "has room": "" };
  return make("ul", { class: "constraints" }, ...list.map((one) => {
    const room = one.state === "has room" ? `${readable(100 * one.room)} % free` : words[one.state];
    return make("li", { class: one.state.replace(" ", "-") }, make("span", {}, one.name), " ", make("b", {}, room));
  }));
}
