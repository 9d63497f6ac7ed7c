// Messages of a channel or thread: a log that is kept, not drawn anew.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { question, toast } from "./dialog.js";
import { h, icon, iconButton, keep } from "./dom.js";
import { grow } from "./inputs.js";
import { openMenu } from "./menu.js";
import { mrkdwn, unescape } from "./mrkdwn.js";
import { address, go } from "./place.js";
import * as when from "./when.js";

const SAME_BLOCK_S = 300; // a person's messages within this time stand under one name
const NEAR_END_PX = 120;

/** A log of messages; `room` is {me, channel, inThread}. */
export class Log {
  constructor(label, room) {
    this.room = room;
    this.list = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": label });
    this.node = h("div", { class: "scroll", tabindex: "-1" }, this.list);
    this.editing = null;
    this.isAtEnd = true;
    this.node.addEventListener("scroll", () => this.scrolled());
    // What is read last stays in view when the window or a message changes its size.
    const stay = new ResizeObserver(() => this.isAtEnd && this.toEnd());
    stay.observe(this.node);
    stay.observe(this.list);
    this.node.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("focusin", (event) => this.current(event.target.closest(".message")));
  }

  /** Show these messages; scrolls on if the end was in view. */
  show(messages, { screen, names, now }) {
    this.redraw = () => this.show(messages, { screen, names, now });
    this.screen = screen;
    this.names = names;
    const items = this.items(messages, screen.me.tz, now);
    this.list.setAttribute("aria-busy", "true");
    keep(this.list, items, { key: (item) => item.key, build: (item) => this.build(item) });
    this.list.removeAttribute("aria-busy");
    if (!this.list.querySelector('.message[tabindex="0"]')) this.current([...this.list.querySelectorAll(".message")].at(-1));
    if (this.isAtEnd) this.toEnd();
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    const isPinned = Math.abs(scrollTop - this.pinnedAt) < 2;
    this.isAtEnd = isPinned || scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  /** Show the newest message: its end, or its beginning where it is higher than the window. */
  toEnd() {
    const { node } = this;
    const newest = this.list.lastElementChild;
    const isHigh = newest && newest.offsetHeight > node.clientHeight - NEAR_END_PX;
    node.scrollTop = isHigh ? newest.offsetTop - node.offsetTop - 8 : node.scrollHeight;
    this.pinnedAt = node.scrollTop;
  }

  items(messages, zone, now) {
    const items = [];
    let before = null;
    let shownDay = "";
    for (const msg of messages) {
      const day = when.day(msg.ts, zone, now);
      if (day !== shownDay) {
        items.push({ key: `day ${day}`, day });
        before = null;
      }
      shownDay = day;
      const follows = before && before.user === msg.user && !isSystem(before) && msg.ts - before.ts < SAME_BLOCK_S && before.ephemeral === msg.ephemeral;
      const isEdited = this.editing === msg.ts;
      const standing = this.names.standing(msg.user);
      items.push({ key: msg.ts, msg, follows: Boolean(follows) && !isSystem(msg), zone, isEdited, standing });
      before = msg;
      if (this.room.inThread && msg.ts === msg.thread_ts && messages.length > 1) {
        items.push({ key: "count", count: messages.length - 1 });
        before = null;
      }
    }
    return items;
  }

  build(item) {
    if (item.day) return h("div", { class: "day", role: "separator", "aria-label": item.day }, h("span", {}, item.day));
    if (item.count) return h("div", { class: "day is-count", role: "separator" }, h("span", {}, count(item.count, "reply", "replies")));
    return isSystem(item.msg) ? this.system(item) : this.message(item);
  }

  system({ msg, zone }) {
    const words = msg.subtype === "tombstone" ? h("em", {}, msg.text) : mrkdwn(msg.text, this.names);
    return h("div", { class: "system", tabindex: "-1" }, words, h("time", {}, when.time(msg.ts, zone)));
  }

  message({ msg, follows, zone, isEdited }) {
    const name = this.names.nameOf(msg.user);
    const classes = ["message", follows && "follows", msg.ephemeral && "is-ephemeral"].filter(Boolean).join(" ");
    const time = h("time", { title: when.full(msg.ts, zone) }, when.time(msg.ts, zone));
    const head = h("div", { class: follows ? "head visually-hidden" : "head" }, h("strong", { class: "author" }, name), msg.bot_id && h("span", { class: "badge" }, "APP"), this.names.badge(msg.user), time);
    const mark = follows ? h("span", { class: "gutter", "aria-hidden": "true" }, when.time(msg.ts, zone)) : this.names.avatar(msg.user);
    const alone = msg.ephemeral && h("p", { class: "alone" }, icon("eye"), "Only visible to you");
    const body = h("div", { class: "body" }, alone, head, isEdited ? this.editor(msg) : this.content(msg), this.below(msg, zone));
    const attributes = { class: classes, tabindex: "-1", "aria-label": `${name}, ${when.time(msg.ts, zone)}`, dataset: { ts: msg.ts } };
    return h("article", attributes, mark, body, !isEdited && this.toolbar(msg));
  }

  content(msg) {
    const context = { names: this.names, act: (block, element, value) => this.click(msg, { block, element, value }) };
    // What a person typed is marked up as their composer would have done it.
    const isApp = Boolean(msg.bot_id) && msg.blocks?.length;
    const parts = isApp ? blocks(msg.blocks, context) : msg.text ? [h("div", { class: "text" }, mrkdwn(msg.text, this.names), msg.edited && h("span", { class: "edited" }, " (edited)"))] : [];
    const files = (msg.files ?? []).map((file) => h("p", { class: "file" }, file.name));
    return h("div", { class: "content" }, parts, files);
  }

  below(msg, zone) {
    const replies = !this.room.inThread && msg.reply_count > 0 && this.replies(msg, zone);
    const dismiss = msg.ephemeral && h("button", { type: "button", class: "link-button", onclick: () => this.do("dismiss", { ts: msg.ts }) }, "Dismiss message");
    return [replies, dismiss];
  }

  replies(msg, zone) {
    const href = address({ ...this.room, as: this.room.me, thread: msg.ts });
    const faces = msg.reply_users.map((id) => this.names.avatar(id, "tiny"));
    return h("a", { class: "replies", href, dataset: { focus: "replies" } }, faces, h("strong", {}, count(msg.reply_count, "reply", "replies")), h("span", { class: "detail" }, `last at ${when.time(msg.latest_reply, zone)}`));
  }

  toolbar(msg) {
    if (msg.ephemeral) return null;
    const thread = iconButton("reply", "Reply in thread", () => this.openThread(msg), { tabindex: "-1" });
    const more = iconButton("more", "More actions", () => openMenu(more, this.actions(msg)), { tabindex: "-1", "aria-haspopup": "menu", dataset: { focus: "more" } });
    return h("div", { class: "toolbar", role: "toolbar", "aria-label": "Message actions" }, this.room.inThread ? null : thread, more);
  }

  actions(msg) {
    const shortcuts = this.screen.shortcuts.map((shortcut) => ({
      label: shortcut.name,
      detail: this.screen.bot.name,
      run: () => this.do("shortcut", { callback_id: shortcut.callback_id, message_ts: msg.ts }),
    }));
    const copy = { label: "Copy link", run: () => copyLink(msg.permalink) };
    const reply = { label: "Reply in thread", run: () => this.openThread(msg) };
    const isOwn = msg.user === this.room.me;
    const edit = { label: "Edit message", run: () => this.edit(msg.ts) };
    const remove = { label: "Delete message", danger: true, run: () => this.remove(msg) };
    const mayDelete = isOwn || this.screen.me.is_admin;
    return [...shortcuts, reply, copy, isOwn && edit, mayDelete && remove].filter(Boolean);
  }

  openThread(msg) {
    go({ thread: msg.thread_ts || msg.ts });
  }

  async remove(msg) {
    const body = h("p", {}, "Are you sure you want to delete this message? This cannot be undone.");
    const isSure = await question({ title: "Delete message", body, yes: "Delete", no: "Cancel", style: "danger" });
    if (isSure) await this.do("delete", { ts: msg.ts });
  }

  /** Edit a message in place; null ends it. */
  edit(ts) {
    this.editing = ts;
    this.redraw();
    const area = this.list.querySelector("textarea");
    area?.focus();
    area?.setSelectionRange(area.value.length, area.value.length);
  }

  /** Edit this person's last message, if there is one. */
  editLast(messages) {
    const own = messages.filter((msg) => msg.user === this.room.me && !msg.ephemeral && !isSystem(msg));
    if (own.length) this.edit(own.at(-1).ts);
    return own.length > 0;
  }

  editor(msg) {
    const area = h("textarea", { class: "text-field", rows: "2", "aria-label": "Edit message", value: this.source(msg) });
    const done = () => this.edit(null);
    const save = async () => {
      done();
      if (area.value.trim()) await this.do("edit", { ts: msg.ts, text: area.value });
    };
    area.addEventListener("input", () => grow(area));
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) save();
      else if (event.key === "Escape") done();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    const cancel = h("button", { type: "button", class: "button", onclick: done }, "Cancel");
    return h("div", { class: "editor" }, area, h("div", { class: "actions" }, cancel, h("button", { type: "button", class: "button primary", onclick: save }, "Save")));
  }

  /** The text as it was typed: names for ids, bare addresses. */
  source(msg) {
    const named = msg.text.replace(/<@([UW][A-Z0-9]+)>/g, (whole, id) => `@${this.names.people.get(id)?.name ?? id}`);
    return unescape(named.replace(/<#[CGD][A-Z0-9]+\|([^<>]*)>/g, "#$1").replace(/<!(channel|here|everyone)>/g, "@$1").replace(/<(https?:[^<>|]+)(\|[^<>]*)?>/g, "$1"));
  }

  click(msg, { block, element, value }) {
    const place = { message_ts: msg.ts, block_id: block.block_id, action_id: element.action_id };
    return this.do("click", value === undefined ? place : { ...place, value });
  }

  async do(verb, args) {
    try {
      await act(this.room.me, verb, { channel_id: this.room.channel, ...args });
    } catch (error) {
      toast(error.message, { kind: "is-wrong" });
    }
  }

  /** Arrow keys walk over the messages, Enter opens the thread. */
  key(event) {
    const here = event.target;
    if (!here.classList.contains("message") && here !== this.node) return;
    const nodes = [...this.list.querySelectorAll(".message")];
    const steps = { ArrowUp: -1, ArrowDown: 1 };
    if (event.key === "Enter" && here !== this.node && !this.room.inThread) here.querySelector(".toolbar [aria-label='Reply in thread']")?.click();
    else if (steps[event.key]) this.step(nodes, nodes.indexOf(here), steps[event.key]);
    else if (event.key === "Home" || event.key === "End") this.step(nodes, event.key === "End" ? nodes.length - 2 : 1, event.key === "End" ? 1 : -1);
    else return;
    event.preventDefault();
  }

  step(nodes, at, by) {
    const next = nodes[at < 0 ? nodes.length - 1 : Math.max(0, Math.min(nodes.length - 1, at + by))];
    this.current(next);
    next?.focus();
  }

  /** Only the message that has the focus, or had it last, is a tab stop, with its toolbar. */
  current(node) {
    if (!node) return;
    for (const each of this.list.querySelectorAll('.message[tabindex="0"]')) {
      each.setAttribute("tabindex", "-1");
      for (const button of each.querySelectorAll(".toolbar button")) button.tabIndex = -1;
    }
    node.setAttribute("tabindex", "0");
    for (const button of node.querySelectorAll(".toolbar button")) button.tabIndex = 0;
  }

  /** Bring a message into view, marked for a moment. */
  flash(ts) {
    const node = this.list.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
    if (!node) return false;
    this.isAtEnd = false;
    node.scrollIntoView({ block: "center" });
    node.classList.add("is-flashing");
    node.addEventListener("animationend", () => node.classList.remove("is-flashing"), { once: true });
    this.current(node);
    return true;
  }
}

const SYSTEM = /^(channel|group)_(join|leave|convert)|^tombstone$/;
const isSystem = (msg) => SYSTEM.test(msg.subtype ?? "");
const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

async function copyLink(url) {
  try {
    await navigator.clipboard.writeText(url);
    toast("Link copied.");
  } catch {
    toast(url);
  }
}
