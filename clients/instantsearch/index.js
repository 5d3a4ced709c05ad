// InstantSearch.js over searchd: what InstantSearch asks is put into searchd's words, and the answers back into InstantSearch's.
export { createSearchClient } from "./src/client.js";
export { createClicks } from "./src/clicks.js";
