// "Try it" on the API's page: sends a form as the request that it describes and shows what comes back. Nothing is stored, the key neither.
"use strict";

(() => {
  const LONGEST = 100000;
  const key = document.getElementById("key");

  const addressOf = (form) => {
    const query = new URLSearchParams();
    let path = form.dataset.path;
    for (const input of form.querySelectorAll("[data-in]")) {
      if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, input.value.split("/").map(encodeURIComponent).join("/"));
      else if (input.value !== "") query.append(input.name, input.value);
    }
    return query.size ? `${path}?${query}` : path;
  };

  const readable = (text) => {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  };

  const send = async (form) => {
    const body = form.querySelector("textarea");
    const headers = {};
    if (key.value) headers.Authorization = `Bearer ${key.value.trim()}`;
    if (body && body.value.trim()) headers["Content-Type"] = "application/json";
    const started = performance.now();
    const answer = await fetch(addressOf(form), { method: form.dataset.method.toUpperCase(), headers, body: headers["Content-Type"] && body.value });
    const text = readable(await answer.text());
    const spent = Math.round(performance.now() - started);
    const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}\n…` : text;
    return `${answer.status} ${answer.statusText}, ${spent} ms\n\n${shown}`;
  };

  for (const part of document.querySelectorAll(".try")) part.hidden = false;
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-path]");
    if (!form) return;
    event.preventDefault();
    const output = form.querySelector("output");
    output.textContent = "…";
    try {
      output.textContent = await send(form);
    } catch (error) {
      output.textContent = String(error);
    }
  });
})();
