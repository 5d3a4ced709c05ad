/** InstantSearch.js over searchd. */
import type { InstantSearch, Middleware, SearchClient } from "instantsearch.js";

export interface SearchdOptions {
  /** Address of the server, such as `https://search.example.org`. */
  url: string;
  /** A key of scope `search` (and `events`), where the server requires keys. It can be read by everybody who sees the page. */
  key?: string;
  /** Orders of index names that do not say theirs after a colon: `{ docs_by_year: "year:desc" }`. */
  replicas?: Record<string, string | string[]>;
  /** Parameters of `/v1/search` for every search, such as `{ mode: "and", filter: "draft = false", crop_length: 120 }`. */
  searchParameters?: Record<string, unknown>;
  /** A random name for this visit, which keeps its searches and clicks together in the click log. */
  clientId?: string;
  /** Whether searches are logged; by default unless the reader sends DNT or GPC. */
  log?: boolean;
  /** In place of the global `fetch`. */
  fetch?: typeof fetch;
}

export interface SearchdResult {
  correctedQuery: string | null;
  shownInstead: boolean;
  generation: string;
  model: { name: string; version: string } | null;
  partial: boolean;
}

/** What is handed to `instantsearch({ searchClient })`. */
export function createSearchClient(options: SearchdOptions): SearchClient;

export interface ClickOptions {
  /** Whether views of hits are sent too; searches log what they showed anyway. */
  views?: boolean;
  /** Called with what InstantSearch reported and what is sent of it. */
  onEvent?: (event: unknown, sent: unknown[]) => void;
}

/** A middleware for `search.use()` that sends clicks and conversions to the click log. */
export function createClicks(searchClient: SearchClient, options?: ClickOptions): Middleware;
