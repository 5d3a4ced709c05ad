// The search page with JavaScript: suggestions while typing, clicks by beacon, and "/" to search. Without it everything but these works.
// Text from the server is only ever set as textContent.
"use strict";

document.documentElement.classList.add("scripted");

const DEBOUNCE_MS = 120;
const box = document.getElementById("q");
const list = document.getElementById("suggestions");

function combobox(input, listbox) {
  let timer = 0;
  let request = null;
  let selected = -1;
  let typed = input.value;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", listbox.id);
  input.setAttribute("aria-expanded", "false");

  function close() {
    clearTimeout(timer);
    if (request) request.abort();
    listbox.hidden = true;
    selected = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function select(index) {
    const options = listbox.children;
    if (selected >= 0) options[selected].setAttribute("aria-selected", "false");
    // One place beyond the last is the text as it was typed.
    selected = index < -1 ? options.length - 1 : index >= options.length ? -1 : index;
    if (selected < 0) {
      input.value = typed;
      input.removeAttribute("aria-activedescendant");
    } else {
      options[selected].setAttribute("aria-selected", "true");
      input.setAttribute("aria-activedescendant", options[selected].id);
      input.value = options[selected].dataset.text;
    }
  }

  function option(suggestion, index) {
    const item = document.createElement("li");
    item.id = `suggestion-${index}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.dataset.text = suggestion.text;
    const text = document.createElement("span");
    text.textContent = suggestion.text;
    item.append(text);
    if (suggestion.count > 0) {
      const count = document.createElement("span");
      count.className = "count";
      count.textContent = suggestion.count.toLocaleString();
      item.append(count);
    }
    return item;
  }

  function show(suggestions) {
    if (!suggestions.length || document.activeElement !== input) return close();
    selected = -1;
    listbox.replaceChildren(...suggestions.map(option));
    listbox.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  async function ask() {
    if (request) request.abort();
    request = new AbortController();
    try {
      const answer = await fetch(`/v1/suggest?limit=8&q=${encodeURIComponent(typed)}`, { signal: request.signal });
      if (answer.ok) show((await answer.json()).suggestions);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  input.addEventListener("input", (event) => {
    typed = input.value;
    clearTimeout(timer);
    if (event.isComposing) return; // an input method has not finished its character
    if (!typed.trim()) return close();
    timer = setTimeout(ask, DEBOUNCE_MS);
  });
  input.addEventListener("compositionend", () => input.dispatchEvent(new Event("input")));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || listbox.hidden) return;
    if (event.key === "ArrowDown") select(selected + 1);
    else if (event.key === "ArrowUp") select(selected - 1);
    else if (event.key === "Escape") {
      select(-1);
      close();
    } else return;
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  listbox.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("li");
    if (!item) return;
    event.preventDefault();
    input.value = item.dataset.text;
    input.form.requestSubmit();
  });
}

function clickEvent(results, link) {
  const queryId = results.dataset.queryId;
  const position = Number(link.dataset.position);
  const event = {
    action_name: "click",
    event_id: `${queryId}:click:${position}`,
    timestamp: new Date().toISOString(),
    query_id: queryId,
    event_attributes: { object: { object_id: link.dataset.id }, position: { ordinal: position } },
  };
  if (results.dataset.clientId) event.client_id = results.dataset.clientId;
  return event;
}

function beacons(results) {
  if (!navigator.sendBeacon) return; // the links log by themselves
  for (const link of results.querySelectorAll("a.title")) {
    const logging = link.href;
    link.href = link.dataset.target;
    const send = (event) => {
      if (event.type === "auxclick" && event.button !== 1) return;
      const body = new Blob([JSON.stringify(clickEvent(results, link))], { type: "application/json" });
      if (!navigator.sendBeacon("/v1/events", body)) link.href = logging;
    };
    link.addEventListener("click", send);
    link.addEventListener("auxclick", send);
  }
}

if (box && list) combobox(box, list);
const results = document.querySelector(".results[data-query-id]");
if (results) beacons(results);

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !box) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) return;
  event.preventDefault();
  box.focus();
  box.select();
});
