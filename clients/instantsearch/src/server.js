// Calls of one searchd: fetch with a key, errors with what the server said.

export class SearchdError extends Error {
  constructor(message, status, code, link) {
    super(message);
    this.name = "SearchdError";
    this.status = status;
    this.code = code;
    this.link = link;
  }
}

export class Server {
  constructor({ url, key, fetch: given }) {
    if (!url) throw new SearchdError("expected the address of a searchd server, as { url: 'https://search.example.org' }", 0, "bad_address", "");
    this.url = String(url).replace(/\/+$/, "");
    this.headers = key ? { Authorization: `Bearer ${key}` } : {};
    // Called through a function: browsers refuse a fetch that is called as another object's method.
    this.fetch = given ?? ((...args) => globalThis.fetch(...args));
  }

  get(path) {
    return this.#call(path, { headers: this.headers });
  }

  post(path, value, options = {}) {
    const headers = { ...this.headers, "Content-Type": "application/json" };
    return this.#call(path, { method: "POST", headers, body: JSON.stringify(value), ...options });
  }

  async #call(path, options) {
    const response = await this.fetch(this.url + path, options);
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const { message = `the search server answered ${response.status}`, code = "unknown", link = "" } = answer;
    throw new SearchdError(message, response.status, code, link.startsWith("/") ? this.url + link : link);
  }
}

// Whether the reader asked not to be followed: then nothing is logged and no name is given.
export function asksForPrivacy(browser = globalThis.navigator ?? {}) {
  return browser.doNotTrack === "1" || browser.globalPrivacyControl === true;
}
