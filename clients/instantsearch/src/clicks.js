// A middleware that sends what readers do to searchd's click log:
//
//   search.use(createClicks(searchClient));
//
// Widgets of hits report a click on a hit by themselves; sendEvent("click", hit, "name") in a template does it too. A click has an id made of its search
// and its rank, as on searchd's own page, so it counts once however often it is sent. Readers who ask not to be followed are not.

import { asksForPrivacy } from "./server.js";

const TRIES = 4;
const WAIT_MS = 500;

export function createClicks(searchClient, { views = false, onEvent } = {}) {
  const { server, settings } = searchClient;

  async function send(events) {
    for (let tried = 1; ; tried += 1) {
      try {
        return await server.post("/v1/events", events, { keepalive: true });
      } catch (error) {
        const passing = error.status === undefined || error.status === 429 || error.status === 503;
        if (!passing || tried === TRIES) return undefined; // a page goes on without its click
        await new Promise((done) => setTimeout(done, Math.random() * WAIT_MS * 2 ** tried));
      }
    }
  }

  return ({ instantSearchInstance }) => ({
    $$type: "searchd.clicks",
    onStateChange() {},
    subscribe() {
      instantSearchInstance.sendEventToInsights = (event) => {
        const events = asksForPrivacy() ? [] : eventsOf(event, { views, clientId: settings.clientId });
        onEvent?.(event, events);
        if (events.length) send(events);
      };
    },
    started() {},
    unsubscribe() {
      instantSearchInstance.sendEventToInsights = () => {};
    },
  });
}

// InstantSearch's event -> UBI events, one a hit; none for what no search issued an id for.
export function eventsOf({ eventType, payload = {}, hits = [] }, { views = false, clientId } = {}) {
  const action = { click: "click", conversion: payload.eventSubtype === "addToCart" ? "add_to_cart" : (payload.eventSubtype ?? "conversion"), view: views ? "view" : "" }[eventType];
  if (!action) return [];
  const timestamp = new Date().toISOString();
  return (payload.objectIDs ?? []).flatMap((id, place) => {
    const queryId = payload.queryID ?? hits[place]?.__queryID;
    const position = payload.positions?.[place] ?? hits[place]?.__position;
    if (!queryId || !position) return [];
    const event = {
      action_name: action,
      event_id: `${queryId}:${action}:${position}`,
      timestamp,
      query_id: queryId,
      event_attributes: { object: { object_id: String(id) }, position: { ordinal: position } },
    };
    return [clientId ? { ...event, client_id: clientId } : event];
  });
}
