// What the service takes, from its own description.
import { get, make } from "./api.js";

const place = document.getElementById("paths");

function fields(schema, all) {
  const found = schema?.$ref ? all[schema.$ref.split("/").pop()] : schema;
  return Object.entries(found?.properties ?? {}).map(([name, one]) => {
    const kind = one.type ?? (one.anyOf ?? []).map((x) => x.type).join(" or ");
    const fallback = "default" in one ? `, ${JSON.stringify(one.default)} if absent` : "";
    return make("li", {}, make("code", {}, name), ` ${kind}${fallback}. ${one.description ?? ""}`);
  });
}

try {
  const api = await get("/openapi.json");
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, one] of Object.entries(methods)) {
      const body = one.requestBody?.content?.["application/json"]?.schema;
      place.append(
        make("section", {},
          make("h2", {}, `${method.toUpperCase()} ${path}`),
          make("p", {}, one.summary ?? ""),
          make("ul", {}, ...(one.parameters ?? []).map((p) => make("li", {}, make("code", {}, p.name), ` in the ${p.in}`)),
            ...fields(body, api.components.schemas))));
    }
  }
} catch (fault) {
  place.append(make("p", { class: "fault" }, String(fault.message)));
}
