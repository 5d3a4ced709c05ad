// searchd's passages (escaped HTML with <mark>) -> InstantSearch's _highlightResult.
//
// InstantSearch asks for a placeholder in place of tags, escapes what comes back, and puts <mark> where the placeholder was. So for it passages are
// unescaped. Whoever asks for other tags gets text that is still escaped, since nobody would do it afterwards.

const PLACEHOLDER = "__ais-highlight__";
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&#39;": "'", "&amp;": "&" };

export function highlightsOf(hit, params) {
  const tags = tagsOf(params);
  const found = {};
  for (const [name, value] of Object.entries(hit.document)) found[name] = shown(hit.highlights?.[name] ?? plain(value, tags), tags, name in (hit.highlights ?? {}));
  return found;
}

export function tagsOf({ highlightPreTag: before = "<em>", highlightPostTag: after = "</em>" }) {
  return { before, after, raw: before === PLACEHOLDER };
}

function plain(value, tags) {
  if (Array.isArray(value)) return value.map((one) => plain(one, tags));
  const text = value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return tags.raw ? text : escaped(text);
}

function shown(value, tags, marked) {
  if (Array.isArray(value)) return value.map((one) => shown(one, tags, marked));
  const matches = marked ? [...value.matchAll(/<mark>(.*?)<\/mark>/gs)].map((match) => unescaped(match[1])) : [];
  return {
    value: marked ? tagged(value, tags) : value,
    matchLevel: matches.length ? "partial" : "none",
    matchedWords: [...new Set(matches.map((word) => word.toLowerCase()))],
  };
}

function tagged(passage, { before, after, raw }) {
  const parts = passage.split(/<mark>|<\/mark>/).map((part) => (raw ? unescaped(part) : part));
  return parts.map((part, place) => (place === 0 ? part : (place % 2 ? before : after) + part)).join("");
}

export function unescaped(text) {
  return text.replace(/&(?:lt|gt|quot|#x27|#39|amp);/g, (entity) => ENTITIES[entity]);
}

export function escaped(text) {
  return text.replace(/[&<>"']/g, (sign) => `&${{ "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "#x27" }[sign]};`);
}
