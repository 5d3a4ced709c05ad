// The search client that is handed to instantsearch({ searchClient }).

import { filterOf } from "./filters.js";
import { facetsOf, searchOf } from "./request.js";
import { facetHits, resultOf } from "./response.js";
import { Server, asksForPrivacy } from "./server.js";

// { url, key?, replicas?, searchParameters?, clientId?, log?, fetch? }: see README.md.
export function createSearchClient(options) {
  const server = new Server(options);
  const settings = { log: !asksForPrivacy(), ...options };
  const pages = new Map();
  let fields;

  // Names of the fields that have one of the types.
  async function fieldsOf(...types) {
    fields ??= server.get("/v1/stats");
    fields.catch(() => (fields = undefined)); // asked again next time
    return (await fields).fields.filter(({ type }) => types.includes(type)).map(({ name }) => name);
  }

  // InstantSearch shows everything before anything is typed; searchd finds nothing for nothing, unless a filter or an order is given.
  async function withoutWords(body) {
    if (body.q.trim() || body.filter || body.sort) return body;
    const [name] = await fieldsOf("keyword", "integer", "float", "date", "boolean");
    return { ...body, log: false, ...(name ? { filter: `${name} EXISTS OR NOT ${name} EXISTS` } : {}) };
  }

  async function bound(name, order, body) {
    const { q, filter, mode } = body;
    const answer = await server.post("/v1/search", { q, filter, mode, sort: [`${name}:${order}`], limit: 1, fields: [name], highlight: false, log: false });
    const value = answer.hits[0]?.document[name];
    const all = Array.isArray(value) ? value : [value];
    return all.every((one) => typeof one === "number") ? Math[order === "asc" ? "min" : "max"](...all) : undefined;
  }

  // Least and greatest value of the numeric facets, exactly: two searches each, which return one document.
  async function statsOf(body) {
    const known = body.facets ? await fieldsOf("integer", "float") : [];
    const found = await Promise.all(
      (body.facets ?? []).filter((name) => known.includes(name)).map(async (name) => [name, await Promise.all([bound(name, "asc", body), bound(name, "desc", body)])]),
    );
    return Object.fromEntries(found.filter(([, [min, max]]) => min !== undefined && max !== undefined).map(([name, [min, max]]) => [name, { min, max }]));
  }

  // Further pages of one search keep its query id, so that the log knows them as one.
  function remember(body, answer) {
    if (!body.log) return;
    pages.clear();
    pages.set(identity(body), answer.query_id);
  }

  async function one(request) {
    if (request.type === "facet") return values({ ...request, params: { ...request.params, facetName: request.facet, facetQuery: request.facetQuery } });
    const body = await withoutWords(searchOf(request, settings));
    const earlier = body.log && body.offset > 0 ? pages.get(identity(body)) : undefined;
    if (earlier) body.query_id = earlier;
    if (body.log && settings.clientId) body.client_id = settings.clientId;
    const [answer, stats] = await Promise.all([server.post("/v1/search", body), statsOf(body)]);
    remember(body, answer);
    return resultOf(request, body, answer, stats);
  }

  async function values({ params }) {
    const body = { q: params.query ?? "", limit: 0, facets: facetsOf(params.facetName), highlight: false, log: false };
    const filter = filterOf(params);
    const answer = await server.post("/v1/search", await withoutWords(filter ? { ...body, filter } : body));
    return facetHits(answer.facets[params.facetName], params);
  }

  return {
    server,
    settings,
    search: async (requests) => ({ results: await Promise.all(requests.map(one)) }),
    searchForFacetValues: (requests) => Promise.all(requests.map(values)),
  };
}

function identity({ q, filter, sort }) {
  return JSON.stringify([q, filter, sort]);
}
