// The search page with JavaScript: suggestions while typing, clicks by beacon, panels below hits, and "/" to search. Without it everything but
// these works, the panels as pages. Suggestions are only ever set as textContent; panels are parts of this server's own pages, which a parsed
// document cannot run, and which the policy of the page would not let run.
"use strict";

document.documentElement.classList.add("scripted");

const DEBOUNCE_MS = 120;
const box = document.getElementById("q");
const list = document.getElementById("suggestions");
const said = document.getElementById("suggestions-status");

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

// An editable combobox with a list, as the ARIA Authoring Practices describe it: the focus stays in the box, aria-activedescendant names the option.
function combobox(input, listbox, status) {
  let timer = 0;
  let request = null;
  let selected = -1;
  let typed = input.value;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-haspopup", "listbox");
  input.setAttribute("aria-controls", listbox.id);
  input.setAttribute("aria-expanded", "false");

  function close() {
    clearTimeout(timer);
    if (request) request.abort();
    listbox.hidden = true;
    unselect();
    input.setAttribute("aria-expanded", "false");
    status.textContent = "";
  }

  function unselect() {
    if (selected >= 0 && listbox.children[selected]) listbox.children[selected].setAttribute("aria-selected", "false");
    selected = -1;
    input.removeAttribute("aria-activedescendant");
  }

  function select(index) {
    const options = listbox.children;
    unselect();
    // One place beyond the last is the text as it was typed.
    selected = index < -1 ? options.length - 1 : index >= options.length ? -1 : index;
    if (selected < 0) {
      input.value = typed;
    } else {
      options[selected].setAttribute("aria-selected", "true");
      options[selected].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", options[selected].id);
      input.value = options[selected].dataset.text;
    }
  }

  // What goes on from what was typed stands out: that is what tells the suggestions apart.
  function withTyped(text) {
    const shown = document.createElement("bdi");
    const begins = typed && text.toLowerCase().startsWith(typed.toLowerCase());
    if (!begins) shown.textContent = text;
    else shown.append(text.slice(0, typed.length), element("b", "", text.slice(typed.length)));
    return shown;
  }

  function option(suggestion, index) {
    const item = element("li", "", "");
    item.id = `suggestion-${index}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.dataset.text = suggestion.text;
    item.append(withTyped(suggestion.text));
    if (suggestion.count > 0) item.append(element("span", "count", suggestion.count.toLocaleString(document.documentElement.lang)));
    return item;
  }

  function show(suggestions) {
    if (document.activeElement !== input) return close();
    selected = -1;
    listbox.replaceChildren(...suggestions.map(option));
    listbox.hidden = !suggestions.length;
    input.setAttribute("aria-expanded", String(suggestions.length > 0));
    input.removeAttribute("aria-activedescendant");
    const { none, one, many } = status.dataset;
    status.textContent = suggestions.length > 1 ? many.replace("#", suggestions.length) : suggestions.length ? one : none;
  }

  async function ask() {
    if (request) request.abort();
    request = new AbortController();
    try {
      const answer = await fetch(`/v1/suggest?limit=8&q=${encodeURIComponent(typed)}`, { signal: request.signal });
      if (answer.ok) show((await answer.json()).suggestions);
      else close();
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  const keys = {
    ArrowDown: () => (listbox.hidden ? typed.trim() && ask() : select(selected + 1)),
    ArrowUp: () => (listbox.hidden ? typed.trim() && ask() : select(selected - 1)),
    Escape: () => {
      if (listbox.hidden) input.value = typed = "";
      else select(-1);
      close();
    },
  };

  input.addEventListener("input", (event) => {
    typed = input.value;
    clearTimeout(timer);
    if (event.isComposing) return; // an input method has not finished its character
    if (!typed.trim()) return close();
    timer = setTimeout(ask, DEBOUNCE_MS);
  });
  input.addEventListener("compositionend", () => input.dispatchEvent(new Event("input")));
  input.addEventListener("keydown", (event) => {
    // 229: the key belongs to an input method, which in Safari has just ended its character with it.
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.altKey) {
      if (event.key !== "ArrowUp" || listbox.hidden) return;
      close();
    } else if (keys[event.key]) keys[event.key]();
    else {
      // With these the caret moves in the text, which is then what is edited, not the option it came from.
      if (["Home", "End", "ArrowLeft", "ArrowRight"].includes(event.key) && selected >= 0) {
        typed = input.value;
        unselect();
      }
      return;
    }
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  input.form.addEventListener("submit", close);
  // The focus stays in the box; a finger that scrolls the list chooses nothing, as only a whole click does.
  listbox.addEventListener("mousedown", (event) => event.preventDefault());
  listbox.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (!item) return;
    input.value = item.dataset.text;
    input.form.requestSubmit();
  });
}

// A link to a page of its own becomes a button that opens the same part of that page below the hit.
function disclosures(results) {
  for (const link of results.querySelectorAll("a.opens")) {
    const button = element("button", "opens", link.textContent);
    const panel = element("div", "panel", "");
    const hit = link.closest("article");
    panel.hidden = true;
    panel.id = `${link.dataset.part}-of-${link.getAttribute("aria-describedby")}`;
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", panel.id);
    button.setAttribute("aria-describedby", link.getAttribute("aria-describedby"));
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(open));
      panel.hidden = !open;
      if (open && !panel.childElementCount) fill(panel, link, results.dataset);
    });
    link.replaceWith(button);
    hit.append(panel);
  }
}

async function fill(panel, link, words) {
  panel.setAttribute("aria-live", "polite");
  panel.replaceChildren(element("p", "loading", words.loading));
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const part = page.querySelector(`[data-part="${link.dataset.part}"]`);
    if (!answer.ok || !part) throw new Error("no such part");
    part.removeAttribute("aria-label"); // the button names it, and no two regions of a page should have one name
    panel.replaceChildren(document.adoptNode(part));
  } catch {
    const back = element("a", "", words.failed);
    back.href = link.href;
    panel.replaceChildren(back);
  }
}

// A menu closes by Escape and when the focus or the pointer goes elsewhere.
function menus() {
  for (const menu of document.querySelectorAll("details.menu")) {
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
    });
    document.addEventListener("pointerdown", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  }
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

if (box && list) combobox(box, list, said);
const results = document.querySelector(".results[data-query-id]");
if (results) {
  beacons(results);
  disclosures(results);
}
menus();

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !box) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) return;
  event.preventDefault();
  box.focus();
  box.select();
});
