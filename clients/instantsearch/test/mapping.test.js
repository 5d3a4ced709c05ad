import assert from "node:assert/strict";
import { test } from "node:test";

import { createSearchClient } from "../index.js";
import { eventsOf } from "../src/clicks.js";
import { filterOf } from "../src/filters.js";
import { highlightsOf } from "../src/highlights.js";
import { searchOf, sortOf } from "../src/request.js";
import { facetHits, resultOf } from "../src/response.js";

const PLACEHOLDERS = { highlightPreTag: "__ais-highlight__", highlightPostTag: "__/ais-highlight__" };
const ANSWER = {
  query_id: "Q",
  took: 1.2,
  total: { value: 2500, relation: "eq" },
  hits: [{ id: "1", score: 2.5, document: { title: "a < b", tags: ["x"] }, highlights: { title: "a &lt; <mark>b</mark>" } }],
  facets: { tag: { x: 3, y: 2 } },
  generation: "g",
  model: null,
  partial: false,
  coverage: 1,
};

test("facet filters: lists go together, lists in lists are alternatives, a minus is not", () => {
  assert.equal(filterOf({ facetFilters: ["tag:a", ["year:1", "year:2"], "tag:-b"] }), 'tag = "a" AND (year = "1" OR year = "2") AND NOT tag = "b"');
  assert.equal(filterOf({ facetFilters: 'tag:say "hi": \\' }), 'tag = "say \\"hi\\": \\\\"');
  assert.equal(filterOf({ facetFilters: ["tag:\\-5"] }), 'tag = "-5"');
  assert.equal(filterOf({ facetFilters: [[], []] }), "");
  assert.throws(() => filterOf({ facetFilters: ["nothing"] }), TypeError);
});

test("numeric filters and searchd's own filters", () => {
  assert.equal(filterOf({ numericFilters: ["year>=2000", ["year=-1", "price<=1.5"]] }), "year >= 2000 AND (year = -1 OR price <= 1.5)");
  assert.equal(filterOf({ numericFilters: ["year:1 TO 7"] }), "(year >= 1 AND year <= 7)");
  assert.equal(filterOf({ filters: "a = 1 OR b = 2", facetFilters: ["c:d"] }), '(a = 1 OR b = 2) AND c = "d"');
  assert.throws(() => filterOf({ numericFilters: ["year>=x"] }), TypeError);
});

test("the order stands after the first colon of an index name, or in replicas", () => {
  assert.deepEqual(sortOf("docs"), []);
  assert.deepEqual(sortOf("docs:year:desc,title:asc"), ["year:desc", "title:asc"]);
  assert.deepEqual(sortOf("newest", { newest: "year:desc" }), ["year:desc"]);
});

test("pages end where searches do", () => {
  const window = (params) => (({ offset, limit }) => [offset, limit])(searchOf({ indexName: "d", params }, { log: true }));
  assert.deepEqual(window({}), [0, 20]);
  assert.deepEqual(window({ page: 3, hitsPerPage: 10 }), [30, 10]);
  assert.deepEqual(window({ page: 11, hitsPerPage: 90 }), [990, 10]);
  assert.deepEqual(window({ page: 99, hitsPerPage: 1000 }), [1000, 0]);
  assert.deepEqual(window({ offset: 5, length: 7 }), [5, 7]);
});

test("searches that only count are not logged", () => {
  assert.equal(searchOf({ indexName: "d", params: { hitsPerPage: 0 } }, { log: true }).log, false);
  assert.equal(searchOf({ indexName: "d", params: { analytics: false } }, { log: true }).log, false);
  assert.equal(searchOf({ indexName: "d", params: {} }, { log: true }).log, true);
  assert.equal(searchOf({ indexName: "d", params: {} }, { log: false }).log, false);
});

test("parameters of every search, and a filter of theirs", () => {
  const body = searchOf({ indexName: "d", params: { query: "q", facetFilters: ["a:b"], facets: ["a", "*"], attributesToRetrieve: ["t"] } }, { log: true, searchParameters: { mode: "and", filter: "x = 1" } });
  assert.deepEqual(body, { q: "q", offset: 0, limit: 20, mode: "and", filter: 'a = "b" AND (x = 1)', facets: ["a"], fields: ["t"], log: true });
});

test("passages are unescaped for InstantSearch, which escapes, and for nobody else", () => {
  const hit = ANSWER.hits[0];
  assert.deepEqual(highlightsOf(hit, PLACEHOLDERS).title, { value: "a < __ais-highlight__b__/ais-highlight__", matchLevel: "partial", matchedWords: ["b"] });
  assert.equal(highlightsOf(hit, {}).title.value, "a &lt; <em>b</em>");
  assert.deepEqual(highlightsOf(hit, {}).tags, [{ value: "x", matchLevel: "none", matchedWords: [] }]);
  assert.equal(highlightsOf({ document: { t: "<i>" } }, {}).t.value, "&lt;i&gt;");
  assert.equal(highlightsOf({ document: { t: "&amp;lt;" }, highlights: { t: "&amp;amp;lt; <mark>x</mark>" } }, PLACEHOLDERS).t.value.startsWith("&amp;lt; "), true);
});

test("results", () => {
  const found = resultOf({ indexName: "d", params: { query: "b", page: 2, hitsPerPage: 10, maxValuesPerFacet: 1 } }, { log: true }, ANSWER, { year: { min: 1, max: 2 } });
  assert.deepEqual([found.nbHits, found.nbPages, found.page, found.hitsPerPage], [2500, 100, 2, 10]);
  assert.deepEqual([found.facets, found.facets_stats, found.queryID], [{ tag: { x: 3 } }, { year: { min: 1, max: 2 } }, "Q"]);
  assert.equal(found.hits[0].objectID, "1");
  assert.equal(resultOf({ indexName: "d" }, { log: false }, ANSWER, {}).queryID, undefined);
});

test("facet values are found by a part of them, whatever its case and accents", () => {
  const found = facetHits({ "Café <b>": 3, tea: 1 }, { facetQuery: "cafe", maxFacetHits: 5 });
  assert.deepEqual(found.facetHits, [{ value: "Café <b>", count: 3, highlighted: "Café &lt;b&gt;" }]);
  assert.equal(facetHits({ Tea: 1 }, { facetQuery: "te", ...PLACEHOLDERS }).facetHits[0].highlighted, "__ais-highlight__Te__/ais-highlight__a");
});

test("events have the id of the page's own, so that a click counts once", () => {
  const [event] = eventsOf({ eventType: "click", payload: { queryID: "Q", objectIDs: ["7"], positions: [3] } }, { clientId: "c" });
  assert.deepEqual([event.event_id, event.query_id, event.client_id], ["Q:click:3", "Q", "c"]);
  assert.deepEqual(event.event_attributes, { object: { object_id: "7" }, position: { ordinal: 3 } });
  assert.equal(eventsOf({ eventType: "conversion", payload: { eventSubtype: "addToCart", objectIDs: ["7"] }, hits: [{ __queryID: "Q", __position: 1 }] })[0].action_name, "add_to_cart");
  assert.deepEqual(eventsOf({ eventType: "click", payload: { objectIDs: ["7"] } }), []);
  assert.deepEqual(eventsOf({ eventType: "view", payload: { queryID: "Q", objectIDs: ["7"], positions: [1] } }), []);
});

test("the client asks, keeps the id of a search over its pages, and finds the bounds of numbers", async () => {
  const asked = [];
  const fetch = async (url, { body, headers }) => {
    const sent = body && JSON.parse(body);
    asked.push(sent ?? url);
    assert.equal(headers.Authorization, "Bearer K");
    const year = sent?.sort?.[0] === "year:asc" ? 1999 : 2044;
    const answer = url.endsWith("/v1/stats") ? { fields: [{ name: "year", type: "integer" }] } : sent.log ? ANSWER : { ...ANSWER, hits: [{ id: "1", document: { year } }] };
    return { ok: true, status: 200, json: async () => answer };
  };
  const client = createSearchClient({ url: "http://h/", key: "K", fetch, log: true });
  const first = await client.search([{ indexName: "d", params: { query: "q", facets: ["year", "tag"] } }]);
  assert.deepEqual(first.results[0].facets_stats, { year: { min: 1999, max: 2044 } });
  await client.search([{ indexName: "d", params: { query: "q", page: 1 } }]);
  assert.equal(asked.at(-1).query_id, "Q");
  await client.search([{ indexName: "d", params: { query: "other", page: 1 } }]);
  assert.equal(asked.at(-1).query_id, undefined);
});

test("before anything is typed everything is shown, by a filter that always holds, and not logged", async () => {
  const asked = [];
  const fetch = async (url, { body }) => {
    asked.push(body && JSON.parse(body));
    return { ok: true, status: 200, json: async () => (url.endsWith("/v1/stats") ? { fields: [{ name: "title", type: "text" }, { name: "tag", type: "keyword" }] } : ANSWER) };
  };
  const client = createSearchClient({ url: "http://h", fetch, log: true });
  const { results } = await client.search([{ indexName: "d", params: {} }, { indexName: "d:year:desc", params: {} }]);
  const sent = asked.filter(Boolean).map(({ filter, log }) => [filter, log]);
  assert.deepEqual(sent.sort(), [["tag EXISTS OR NOT tag EXISTS", false], [undefined, true]].sort());
  assert.equal(results[0].queryID, undefined);
});

test("errors carry what the server said", async () => {
  const fetch = async () => ({ ok: false, status: 400, json: async () => ({ message: "m", code: "bad_filter", link: "/docs#x" }) });
  const client = createSearchClient({ url: "http://h", fetch });
  await assert.rejects(client.search([{ indexName: "d", params: {} }]), { message: "m", code: "bad_filter", status: 400, link: "http://h/docs#x" });
  assert.throws(() => createSearchClient({}), { code: "bad_address" });
});
