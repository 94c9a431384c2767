// Requests to the service, and small helpers for the page.

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const headers = token ? { authorization: `Bearer ${token}` } : {};

export class Fault extends Error {}

async function answered(response) {
  if (response.ok) return response;
  let said = null;
  try { said = await response.json(); } catch { /* no words */ }
  if (response.status === 503) throw new Fault("the service is busy; try again");
  throw new Fault(said?.field ? `${said.field}: got ${said.value}; allowed: ${said.allowed}` : `status ${response.status}`);
}

export async function get(path) {
  return (await answered(await fetch(path, { headers }))).json();
}

export async function post(path, body, signal) {
  const sent = { signal, method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    return await answered(await fetch(path, sent));
  } catch (fault) {
    throw fault instanceof Fault || fault.name === "AbortError" ? fault : new Fault("the service does not answer");
  }
}

export function make(name, attributes = {}, ...children) {
  const one = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  one.append(...children);
  return one;
}

export function svg(name, attributes = {}, ...children) {
  const one = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  one.append(...children);
  return one;
}

export async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

export function save(bytes, name) {
  const url = URL.createObjectURL(bytes);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
const SCALED = ["s", "J", "W", "Hz", "bit", "bit/s"];

// A number with its unit, scaled so that it reads well.
export function readable(value, unit = "") {
  if (value === null || value === undefined) return "–";
  let [factor, prefix] = [1, ""];
  if (SCALED.includes(unit) && value !== 0) {
    [factor, prefix] = PREFIXES.find(([f]) => Math.abs(value) >= f) ?? PREFIXES.at(-1);
  }
  const number = Number((value / factor).toPrecision(4));
  return `${number.toLocaleString("en", { maximumSignificantDigits: 4 })} ${prefix}${unit}`.trim();
}
