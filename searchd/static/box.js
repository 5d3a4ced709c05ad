// The search box for pages of other sites: <script src="https://HOST/box.js" async></script>, with options as data-… attributes; see docs/clients.md.
// All of it is in a shadow root, so neither page nor box changes the other's looks. Text from the server is only ever set as text.
(() => {
"use strict";

const script = document.currentScript;
const { key, target, placeholder, label, action, filter, limit = "8" } = script.dataset;
const base = script.src.replace(/\/box\.js([?#].*)?$/, "");
const DEBOUNCE_MS = 120;
const WORDS = {
  en: { search: "Search", results: "Results: ", none: "Nothing found", meant: "Shown for: ", failed: "Search is not available." },
  zh: { search: "搜索", results: "结果：", none: "没有找到结果", meant: "已显示：", failed: "暂时无法连接搜索服务。" },
};
const STYLE = `
  :host { display: block; position: relative; font: 1rem/1.5 system-ui, sans-serif; color-scheme: light dark; max-width: 40rem; }
  * { box-sizing: border-box; font: inherit; margin: 0; padding: 0; list-style: none; }
  [hidden] { display: none !important; }
  form { display: flex; gap: .4rem; }
  input, .panel { border: 1px solid #8a8a86; border-radius: 6px; background: Canvas; color: CanvasText; }
  input { flex: 1; min-width: 0; padding: .5rem .7rem; }
  button { padding: .5rem .9rem; border: 0; border-radius: 6px; background: var(--searchd-accent, #14507a); color: var(--searchd-on-accent, #fff); cursor: pointer; }
  :focus-visible { outline: 2px solid Highlight; outline-offset: 2px; }
  .panel { position: absolute; z-index: 1000; inset-inline: 0; top: 100%; margin-top: .3rem; max-height: 70vh; overflow: auto; overflow-wrap: anywhere; box-shadow: 0 8px 28px rgb(0 0 0 / 18%); }
  [role=option], .results li, .status { padding: .45rem .7rem; }
  [role=option] { cursor: pointer; }
  [role=option]:hover, [aria-selected=true] { background: Highlight; color: HighlightText; }
  .results a { color: LinkText; font-weight: 600; }
  .results p, .status { font-size: .9em; }
  mark { background: Mark; color: MarkText; }
  @media (prefers-color-scheme: dark) { button { background: var(--searchd-accent, #8ec3ea); color: var(--searchd-on-accent, #14171a); } }`;

const spoken = (script.dataset.lang || document.documentElement.lang || navigator.language || "en").toLowerCase();
const t = WORDS[spoken.startsWith("zh") ? "zh" : "en"];
const unfollowed = navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true;
const headers = key ? { Authorization: `Bearer ${key}` } : {};

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

const input = element("input", {
  type: "search", role: "combobox", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: "512", dir: "auto", enterkeyhint: "search",
  placeholder: placeholder || t.search, "aria-label": label || t.search, "aria-autocomplete": "list", "aria-controls": "suggestions", "aria-expanded": "false",
});
const form = element("form", { role: "search" }, input, element("button", { type: "submit" }, t.search));
const list = element("ul", { id: "suggestions", class: "panel", role: "listbox", "aria-label": t.search, hidden: "" });
const status = element("p", { class: "status", role: "status" });
const hits = element("ol", { class: "results" });
const panel = element("section", { class: "panel", "aria-label": t.search, hidden: "" }, status, hits);

let typed = "";
let selected = -1;
let timer = 0;
let asking = null;

function post(body) {
  return { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

async function ask(path, options = { headers }) {
  asking?.abort();
  asking = new AbortController();
  const response = await fetch(base + path, { ...options, signal: asking.signal });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

function visit() {
  try {
    const known = sessionStorage.getItem("searchd_client") || crypto.randomUUID();
    sessionStorage.setItem("searchd_client", known);
    return known;
  } catch {
    return undefined; // storage is closed to this page
  }
}

// Suggestions while typing: a combobox, as on the search page.

function close() {
  clearTimeout(timer);
  list.hidden = true;
  selected = -1;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function select(index) {
  const options = list.children;
  options[selected]?.setAttribute("aria-selected", "false");
  selected = index < -1 ? options.length - 1 : index < options.length ? index : -1; // beyond the last: as it was typed
  input.value = selected < 0 ? typed : options[selected].textContent;
  if (selected < 0) return input.removeAttribute("aria-activedescendant");
  options[selected].setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", options[selected].id);
}

async function suggest() {
  try {
    const { suggestions } = await ask(`/v1/suggest?limit=8&q=${encodeURIComponent(typed)}`);
  if (!suggestions.length) return close();
    panel.hidden = true;
    selected = -1;
    list.replaceChildren(...suggestions.map(({ text }, at) => element("li", { id: `s${at}`, role: "option", "aria-selected": "false" }, text)));
    list.hidden = false;
  input.setAttribute("aria-expanded", "true");
  } catch (error) {
  if (error.name !== "AbortError") close();
  }
}

// Results: a passage is escaped HTML with <mark>, and is taken apart into texts and marks.

function unescaped(text) {
  return text.replace(/&(lt|gt|quot|#x27|amp);/g, (_, name) => ({ lt: "<", gt: ">", quot: '"', "#x27": "'", amp: "&" })[name]);
}

function passage(marked) {
  return marked.split(/<mark>|<\/mark>/).map((part, at) => (at % 2 ? element("mark", {}, unescaped(part)) : unescaped(part)));
}

function first(value) {
  return Array.isArray(value) ? (value.find((one) => one.includes("<mark>")) ?? value[0] ?? "") : value;
}

function shown({ id, document: stored, highlights }, at, queryId) {
  const title = ["title", "name", ...Object.keys(highlights)].find((name) => highlights[name]?.length) ?? "";
  const body = Object.keys(highlights).find((name) => name !== title && first(highlights[name]).includes("<mark>"));
  const address = /^https?:\/\/[^\s\\/@?#]+(?:[/?#]|$)/i.test(stored.url ?? "") ? stored.url : `${base}/document/?id=${encodeURIComponent(id)}`;
  const link = element("a", { href: address }, ...(title ? passage(first(highlights[title])) : [id]));
  const tell = (event) => (event.type === "click" || event.button === 1) && click(queryId, id, at + 1);
  link.addEventListener("click", tell);
  link.addEventListener("auxclick", tell);
  return element("li", {}, link, ...(body ? [element("p", {}, ...passage(first(highlights[body])))] : []));
}

function click(queryId, id, position) {
  if (unfollowed) return;
  const body = {
    action_name: "click",
    event_id: `${queryId}:click:${position}`,
    timestamp: new Date().toISOString(),
    query_id: queryId,
    client_id: visit(),
    event_attributes: { object: { object_id: id }, position: { ordinal: position } },
  };
  // keepalive: the page may be gone before the answer is here. A beacon could not carry the key.
  fetch(`${base}/v1/events`, { ...post(body), keepalive: true }).catch(() => {});
}

async function search() {
  const q = input.value.trim();
  close();
  if (!q) return (panel.hidden = true);
  const body = { q, limit: Number(limit), log: !unfollowed };
  if (filter) body.filter = filter;
  if (!unfollowed) body.client_id = visit();
  try {
    const found = await ask("/v1/search", post(body));
    const meant = found.shown_instead ? `${t.meant}${found.corrected_query}. ` : "";
    status.textContent = meant + (found.total.value ? t.results + found.total.value : t.none);
    hits.replaceChildren(...found.hits.map((hit, at) => shown(hit, at, found.query_id)));
  } catch (error) {
  if (error.name === "AbortError") return;
    status.textContent = t.failed;
    hits.replaceChildren();
  }
  panel.hidden = false;
}

input.addEventListener("input", (event) => {
  typed = input.value;
  clearTimeout(timer);
  if (event.isComposing) return; // an input method has not finished its character
  if (!typed.trim()) return close();
  timer = setTimeout(suggest, DEBOUNCE_MS);
});
input.addEventListener("compositionend", () => input.dispatchEvent(new Event("input")));
input.addEventListener("keydown", (event) => {
  if (event.isComposing || list.hidden) return;
  if (event.key === "ArrowDown") select(selected + 1);
  else if (event.key === "ArrowUp") select(selected - 1);
  else if (event.key === "Escape") {
    select(-1);
    close();
    event.stopPropagation();
  } else return;
  event.preventDefault();
});
input.addEventListener("blur", close);
list.addEventListener("pointerdown", (event) => {
  const option = event.target.closest("li");
  if (!option) return;
  event.preventDefault();
  input.value = option.textContent;
  form.requestSubmit();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (action) location.assign(action + encodeURIComponent(input.value.trim()));
  else search();
});

const host = element("div", { class: "searchd-box" });
const root = host.attachShadow({ mode: "open" });
// A sheet made here, and no style element: pages with a strict Content-Security-Policy allow it.
const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);
root.adoptedStyleSheets = [sheet];
root.append(form, list, panel);
host.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || panel.hidden) return;
  panel.hidden = true;
  input.focus();
});
document.addEventListener("pointerdown", (event) => {
  if (!event.composedPath().includes(host)) panel.hidden = true;
});

function place() {
  const found = target && document.querySelector(target);
  if (found) found.append(host);
  else script.after(host);
}
if (target && document.readyState === "loading") document.addEventListener("DOMContentLoaded", place);
else place();
})();
