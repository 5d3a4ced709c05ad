// One request of InstantSearch -> the body of one search, and what its answer needs to know.

import { filterOf } from "./filters.js";

export const WINDOW = 1000; // offset + limit of a search
export const MOST_HITS = 100;
const DEFAULT_HITS = 20;

// "docs:year:desc,title:asc" -> ["year:desc", "title:asc"]: an index name may say the order after its first colon; `replicas` gives other names theirs.
export function sortOf(indexName, replicas = {}) {
  const order = replicas[indexName] ?? (indexName.includes(":") ? indexName.slice(indexName.indexOf(":") + 1) : "");
  return Array.isArray(order) ? order : order ? order.split(",").map((one) => one.trim()) : [];
}

export function searchOf({ indexName, params = {} }, options) {
  const wanted = facetsOf(params.facets);
  const body = { q: params.query ?? "", ...windowOf(params), ...options.searchParameters };
  const filter = [filterOf(params), options.searchParameters?.filter && `(${options.searchParameters.filter})`].filter(Boolean).join(" AND ");
  const sort = sortOf(indexName ?? "", options.replicas);
  if (filter) body.filter = filter;
  if (sort.length) body.sort = sort;
  if (wanted.length) body.facets = wanted;
  if (params.attributesToRetrieve && !params.attributesToRetrieve.includes("*")) body.fields = params.attributesToRetrieve;
  if (!body.limit) body.highlight = false;
  // Disjunctive faceting asks once more for each chosen facet, only to count: readers see nothing of these searches.
  body.log = options.log && params.analytics !== false && body.limit > 0;
  return body;
}

export function facetsOf(facets) {
  const names = typeof facets === "string" ? [facets] : (facets ?? []);
  return names.filter((name) => name !== "*").slice(0, 32);
}

function windowOf({ page = 0, hitsPerPage = DEFAULT_HITS, offset, length }) {
  if (offset !== undefined && length !== undefined) return bounded(offset, length);
  const size = Math.min(hitsPerPage, MOST_HITS);
  return bounded(page * size, size);
}

function bounded(offset, limit) {
  const start = Math.min(offset, WINDOW);
  return { offset: start, limit: Math.max(0, Math.min(limit, MOST_HITS, WINDOW - start)) };
}
