// InstantSearch's filters -> one filter in searchd's language.
//
// facetFilters:   ["tag:a", ["year:2020", "year:2021"], "tag:-b"]     lists go together, lists in lists are alternatives, "-" is not
// numericFilters: ["year>=2020", ["year=1", "year:5 TO 7"]]           likewise
// filters:        'NOT draft = true'                                   searchd's own language, as it is

const COMPARISON = /^\s*(.+?)\s*(<=|>=|!=|<|>|=)\s*(-?[\d.eE+-]+)\s*$/;
const RANGE = /^\s*(.+?)\s*:\s*(-?[\d.eE+]+)\s+TO\s+(-?[\d.eE+]+)\s*$/;

export function filterOf(params) {
  const parts = [
    params.filters ? `(${params.filters})` : "",
    ...groups(params.facetFilters).map((group) => anyOf(group.map(facetComparison))),
    ...groups(params.numericFilters).map((group) => anyOf(group.map(numericComparison))),
  ];
  return parts.filter(Boolean).join(" AND ");
}

// A list of alternatives each; a text alone is a list of one.
function groups(filters) {
  const list = filters === undefined || filters === null ? [] : Array.isArray(filters) ? filters : [filters];
  return list.map((one) => (Array.isArray(one) ? one : [one])).filter((one) => one.length);
}

function anyOf(comparisons) {
  return comparisons.length === 1 ? comparisons[0] : `(${comparisons.join(" OR ")})`;
}

export function quoted(value) {
  return `"${String(value).replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`;
}

function facetComparison(text) {
  const at = text.indexOf(":");
  if (at < 1) throw new TypeError(`facetFilters: expected "attribute:value", found ${JSON.stringify(text)}`);
  const name = text.slice(0, at);
  let value = text.slice(at + 1);
  if (value.startsWith("-")) return `NOT ${name} = ${quoted(value.slice(1))}`;
  if (value.startsWith("\\-")) value = value.slice(1);
  return `${name} = ${quoted(value)}`;
}

function numericComparison(text) {
  const range = RANGE.exec(text);
  if (range) return `(${range[1]} >= ${range[2]} AND ${range[1]} <= ${range[3]})`;
  const parts = COMPARISON.exec(text);
  if (!parts) throw new TypeError(`numericFilters: expected "attribute>=number", found ${JSON.stringify(text)}`);
  return `${parts[1]} ${parts[2]} ${parts[3]}`;
}
