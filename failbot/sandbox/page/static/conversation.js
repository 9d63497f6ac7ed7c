// One channel or direct message: its heading, messages, and the box to write in.

import { act } from "./api.js";
import { Composer } from "./composer.js";
import { openDialog, toast } from "./dialog.js";
import { h, icon, keep } from "./dom.js";
import { Log } from "./messages.js";
import { address } from "./place.js";

/** A conversation on the screen; `update(frame)` keeps it current. */
export class Conversation {
  constructor(channel, frame) {
    const me = frame.screen.me.id;
    this.me = me;
    this.channel = channel;
    this.head = h("div", { class: "room-head" });
    this.log = new Log(`Messages in ${channel.name}`, { me, channel: channel.id, inThread: false });
    this.log.node.prepend(introduction(channel, frame, (text) => this.composer?.fill(text)));
    this.foot = h("div", { class: "room-foot" }, this.below(channel));
    this.node = h("section", { class: "room", "aria-label": channel.name }, this.head, this.log.node, this.foot);
  }

  below(channel) {
    if (channel.is_archived) return h("p", { class: "notice" }, "This channel is archived.");
    if (channel.kind === "public" && !channel.is_member) return this.joining(channel);
    const label = ["im", "mpim"].includes(channel.kind) ? `Message ${channel.name}` : `Message #${channel.name}`;
    const onup = () => this.log.editLast(this.messages);
    this.composer = new Composer({ me: this.me, channel: channel.id }, { label, id: "composer", onup });
    return this.composer.node;
  }

  joining(channel) {
    const join = () => act(this.me, "join", { channel_id: channel.id }).catch((error) => toast(error.message));
    const button = h("button", { type: "button", class: "button primary", onclick: join }, "Join channel");
    return h("div", { class: "notice" }, h("p", {}, "You are looking at ", h("strong", {}, `#${channel.name}`)), button);
  }

  focus() {
    if (matchMedia("(pointer: fine)").matches) this.composer?.area.focus();
  }

  update(frame) {
    const { screen } = frame;
    this.channel = screen.channels.find((each) => each.id === this.channel.id);
    keep(this.head, [headOf(this.channel, frame)], { key: (item) => item.id, build: (item) => heading(item, frame) });
    this.messages = screen.channel?.id === this.channel.id ? screen.channel.messages : [];
    this.log.show(this.messages, frame);
    this.composer?.update(screen);
  }
}

const SIGNS = { private: "lock", mpim: "people" };

function headOf(channel, { screen, names }) {
  const { id, name, kind } = channel;
  const members = channel.members.map((member) => ({ id: member, name: names.nameOf(member), standing: names.standing(member) }));
  return { id, name, kind, topic: channel.topic?.value ?? "", members, sharing: sharing(channel), isBot: id === screen.bot.dm };
}

/** With whom else the channel is shared, in a word or two; "" with nobody. */
function sharing(channel) {
  if (channel.is_ext_shared) return "shared";
  if (channel.is_pending_ext_shared) return "share pending";
  return channel.is_org_shared ? "shared in the organisation" : "";
}

function heading({ id, name, kind, topic, members, sharing: shared, isBot }, frame) {
  const sign = kind === "im" ? frame.names.avatar(frame.screen.channels.find((c) => c.id === id).user, "small") : icon(SIGNS[kind] ?? "hash");
  const title = h("h2", {}, sign, h("span", {}, name), isBot && h("span", { class: "badge" }, "APP"), shared && h("span", { class: "badge is-outside" }, shared));
  if (kind === "im") return h("div", { class: "heading-row" }, title, isBot && tabs(frame, "messages"));
  const label = `${members.length} members`;
  const show = () => openDialog(`Members of ${name}`, h("ul", { class: "member-list" }, members.map((member) => h("li", {}, member.name, frame.names.badge(member.id)))), { kind: "narrow" });
  const people = h("button", { type: "button", class: "members", "aria-label": label, title: members.map((member) => member.name).join(", "), onclick: show, dataset: { focus: "members" } }, icon("people"), String(members.length));
  return h("div", { class: "heading-row" }, title, topic && h("p", { class: "topic" }, topic), people);
}

/** The tabs of the app: its Home, and the direct messages. */
export function tabs({ screen }, shown) {
  const places = { home: ["Home", "home"], messages: ["Messages", screen.bot.dm] };
  const links = Object.entries(places).map(([key, [label, channel]]) =>
    h("a", { href: address({ as: screen.me.id, channel }), "aria-current": key === shown ? "page" : null, dataset: { focus: key } }, label),
  );
  return h("nav", { class: "tabs", "aria-label": `${screen.bot.name}'s tabs` }, links);
}

function introduction(channel, { screen }, fill) {
  const isIm = ["im", "mpim"].includes(channel.kind);
  const what = isIm ? `This is your conversation with ${channel.name}.` : `This is the very beginning of #${channel.name}.`;
  const whom = channel.kind === "private" ? " It is private: only its members see that it exists." : "";
  const chips = screen.tips.map((tip) => tipChip(tip, fill));
  const tips = chips.length > 0 && h("div", { class: "tips" }, h("p", { class: "quiet" }, "Try one of these; it goes into the message box:"), h("div", { class: "actions" }, chips));
  return h("div", { class: "intro" }, h("p", { class: "intro-title" }, isIm ? channel.name : `#${channel.name}`), h("p", { class: "quiet" }, what + whom), tips);
}

/** Something to try, put into the message box by a click. */
export function tipChip(tip, fill) {
  return h("button", { type: "button", class: "chip", title: tip.text, onclick: () => fill(tip.text) }, tip.label);
}
