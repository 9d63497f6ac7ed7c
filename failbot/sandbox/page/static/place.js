// Where a window is: who one is, which channel, which thread. Kept in the address, so that going
// back, reloading and a second window work.

/** The place in the address: {as, channel, thread, message}; "" where nothing is named. */
export function current() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [as = "", channel = "", thread = ""] = path.split("/").map(decodeURIComponent);
  return { as, channel, thread, message: new URLSearchParams(query).get("m") || "" };
}

/** The address of a place. */
export function address({ as, channel = "", thread = "", message = "" }) {
  const path = [as, channel, thread].filter(Boolean).map(encodeURIComponent).join("/");
  return `#/${path}${message ? `?m=${encodeURIComponent(message)}` : ""}`;
}

/** Go somewhere; parts that are not given stay, but another channel closes the thread. */
export function go(change, { replace = false } = {}) {
  const here = current();
  const kept = "channel" in change || "as" in change ? { ...here, thread: "" } : here;
  const url = address({ ...kept, message: "", ...change });
  if (replace) {
    history.replaceState(null, "", url);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = url;
}

const PERMALINK = /^https:\/\/([a-z0-9-]+)\.slack\.com\/archives\/([A-Z0-9]+)\/p(\d{10,})(\d{6})$/;

/** The place that a message's permalink names in this workspace, or null. */
export function ofPermalink(url, domain) {
  let parsed;
  try {
    parsed = new URL(url);
  } catch {
    return null;
  }
  const match = PERMALINK.exec(parsed.origin + parsed.pathname);
  if (!match || match[1] !== domain) return null;
  const message = `${match[3]}.${match[4]}`;
  const thread = parsed.searchParams.get("thread_ts") || "";
  return { channel: match[2], thread, message };
}
