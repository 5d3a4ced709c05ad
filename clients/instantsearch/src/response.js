// The answer to a search -> the result that InstantSearch expects.

import { highlightsOf, tagsOf, escaped } from "./highlights.js";
import { MOST_HITS, WINDOW } from "./request.js";

export function resultOf({ indexName, params = {} }, body, answer, facetsStats) {
  const { page = 0, hitsPerPage = 20 } = params;
  const size = Math.min(hitsPerPage, MOST_HITS);
  const reachable = Math.min(answer.total.value, WINDOW);
  return {
    index: indexName,
    query: params.query ?? "",
    params: new URLSearchParams(Object.entries(params).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)])).toString(),
    hits: answer.hits.map((hit) => hitOf(hit, params)),
    nbHits: answer.total.value,
    page,
    hitsPerPage: size,
    nbPages: size ? Math.ceil(reachable / size) : 0,
    offset: params.offset,
    length: params.length,
    processingTimeMS: Math.max(1, Math.round(answer.took)),
    exhaustive: { nbHits: answer.total.relation === "eq", facetsCount: !answer.partial },
    exhaustiveNbHits: answer.total.relation === "eq",
    exhaustiveFacetsCount: !answer.partial,
    facets: facetCounts(answer.facets, params.maxValuesPerFacet ?? MOST_HITS),
    facets_stats: facetsStats,
    ...(body.log ? { queryID: answer.query_id } : {}),
    searchd: {
      correctedQuery: answer.corrected_query ?? null,
      shownInstead: answer.shown_instead ?? false,
      generation: answer.generation,
      model: answer.model,
      partial: answer.partial,
    },
  };
}

function hitOf(hit, params) {
  const highlights = highlightsOf(hit, params);
  return { ...hit.document, objectID: hit.id, _highlightResult: highlights, _snippetResult: highlights, _rankingInfo: { score: hit.score } };
}

function facetCounts(facets, most) {
  return Object.fromEntries(Object.entries(facets ?? {}).map(([name, counts]) => [name, Object.fromEntries(Object.entries(counts).slice(0, most))]));
}

// The values of a facet that have a text in them, commonest first; searchd counts the hundred commonest.
export function facetHits(counts, params) {
  const { facetQuery = "", maxFacetHits = 10 } = params;
  const wanted = folded(facetQuery);
  const values = Object.entries(counts ?? {}).filter(([value]) => folded(value).includes(wanted));
  return {
    facetHits: values.slice(0, maxFacetHits).map(([value, count]) => ({ value, count, highlighted: highlighted(value, facetQuery, tagsOf(params)) })),
    exhaustiveFacetsCount: Object.keys(counts ?? {}).length < MOST_HITS,
    processingTimeMS: 1,
  };
}

function highlighted(value, query, { before, after, raw }) {
  const clean = raw ? (text) => text : escaped;
  const at = query ? value.toLowerCase().indexOf(query.toLowerCase()) : -1;
  if (at < 0) return clean(value);
  const end = at + query.length;
  return clean(value.slice(0, at)) + before + clean(value.slice(at, end)) + after + clean(value.slice(end));
}

function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
