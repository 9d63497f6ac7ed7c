// The list of conversations, with what is unread, and the sandbox's own troubles at its foot.

import { openDialog } from "./dialog.js";
import { h, icon, keep } from "./dom.js";
import { address } from "./place.js";
import { isUnread } from "./read.js";

const SIGNS = { private: "lock", mpim: "people" };
const SECTIONS = [
  ["Channels", (channel) => ["public", "private"].includes(channel.kind) && channel.is_member],
  ["Direct messages", (channel) => channel.kind === "im" || channel.kind === "mpim"],
  ["Open to join", (channel) => channel.kind === "public" && !channel.is_member],
];

/** Draw the navigation of the screen; `here` is the place that is shown. */
export function showSidebar(nav, screen, here) {
  const me = screen.me.id;
  const items = SECTIONS.flatMap(([title, belongs]) => {
    const found = screen.channels.filter((channel) => belongs(channel) && !channel.is_archived);
    const rows = found.map((channel) => rowOf(channel, screen, { me, here }));
    return rows.length ? [{ id: title, title }, ...rows] : [];
  });
  if (!nav.list) build(nav);
  nav.heading.textContent = screen.workspace.name;
  keep(nav.list, items, { key: (item) => item.id, build: (item) => (item.title ? heading(item) : row(item)) });
  showState(nav, screen);
}

function build(nav) {
  nav.heading = h("h1", {});
  nav.list = h("ul", {});
  nav.foot = h("div", { class: "side-foot" });
  nav.append(h("div", { class: "side-head" }, nav.heading), nav.list, nav.foot);
  nav.addEventListener("click", (event) => {
    if (event.target.closest("a")) document.body.classList.remove("shows-side");
  });
}

function rowOf(channel, screen, { me, here }) {
  const isBot = channel.id === screen.bot.dm;
  return {
    id: channel.id,
    name: channel.name,
    kind: channel.kind,
    isBot,
    href: address({ as: me, channel: channel.id }),
    isHere: here.channel === channel.id,
    isUnread: here.channel !== channel.id && isUnread(me, channel.id, channel.latest),
    isMentioned: here.channel !== channel.id && isUnread(me, channel.id, channel.mention),
  };
}

const heading = (item) => h("li", { class: "heading" }, h("h2", {}, item.title));

function row(item) {
  const sign = item.kind === "im" ? h("span", { class: "presence" }) : icon(SIGNS[item.kind] ?? "hash");
  const words = [h("span", { class: "name" }, item.name), item.isBot && h("span", { class: "badge" }, "APP")];
  const note = item.isUnread && h("span", { class: "visually-hidden" }, item.isMentioned ? ", mentions you" : ", unread");
  const attributes = {
    href: item.href,
    class: `${item.isUnread ? "is-unread" : ""} ${item.isMentioned ? "is-mentioned" : ""}`,
    "aria-current": item.isHere ? "page" : null,
    dataset: { channel: item.name, focus: item.id },
  };
  const kind = item.kind === "private" && h("span", { class: "visually-hidden" }, "private channel ");
  return h("li", {}, h("a", attributes, sign, kind, words, note, item.isMentioned && h("span", { class: "dot" })));
}

function showState(nav, screen) {
  const { bot, trouble } = screen;
  const state = { id: "state", name: bot.name, connected: bot.connected, count: trouble.length };
  keep(nav.foot, [state], {
    key: (item) => item.id,
    build: (item) => {
      const words = item.connected ? `${item.name} is connected` : `${item.name} is not connected`;
      const line = h("p", { class: item.connected ? "state is-up" : "state" }, h("span", { class: "presence" }), words);
      const label = item.count ? `Slack refused ${item.count} of its acts` : "Slack refused nothing";
      const attributes = { type: "button", class: item.count ? "trouble is-some" : "trouble", dataset: { focus: "trouble" } };
      return h("div", {}, line, h("button", { ...attributes, onclick: () => showTrouble(nav.trouble) }, label));
    },
  });
  nav.trouble = trouble;
}

const KINDS = {
  alarm: "A message that would have notified everyone",
  complaint: "An answer that Slack could not have read",
  refusal: "A call that Slack would have refused",
};

function showTrouble(trouble) {
  const intro = "What the app did that Slack would refuse, or would have to be stopped from.";
  const rows = trouble.toReversed().map((one) =>
    h("li", {}, h("strong", {}, KINDS[one.kind]), h("code", {}, one.text), one.where && h("span", { class: "detail" }, one.where)),
  );
  openDialog("What Slack would say", [h("p", {}, trouble.length ? intro : "Nothing so far. This list fills when the app sends something that Slack refuses."), rows.length > 0 && h("ul", { class: "troubles" }, rows)]);
}

