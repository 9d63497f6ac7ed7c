// The message box: text, completion of commands, people and channels, slash commands.

import { act } from "./api.js";
import { Completion } from "./completion.js";
import { toast } from "./dialog.js";
import { freshId, h, iconButton } from "./dom.js";
import { grow } from "./inputs.js";

const drafts = new Map();
const INVITE = { name: "/invite", description: "Bring someone into this channel", usage_hint: "@someone" };
const LEAVE = { name: "/leave", description: "Leave this channel", usage_hint: "" };

/** The commands of Slack itself that work here, beside the app's. */
export const commandsOf = (screen) => [...screen.commands, INVITE, LEAVE];

/** A message box for one place; `room` is {me, channel, thread}, `onup` edits the last message. */
export class Composer {
  constructor(room, { label, id, onup }) {
    this.room = room;
    this.key = `${room.me} ${room.channel} ${room.thread ?? ""}`;
    this.onup = onup;
    this.area = h("textarea", { id: id ?? freshId("composer"), rows: "1", "aria-label": label, placeholder: label, autocomplete: "off", spellcheck: "true" });
    this.area.value = drafts.get(this.key) ?? "";
    this.completion = new Completion(this.area, { me: room.me });
    this.hint = h("p", { class: "usage", "aria-live": "polite" });
    this.send = iconButton("send", "Send", () => this.submit(), { class: "icon-button send" });
    const keys = h("span", { class: "keys", "aria-hidden": "true" }, h("kbd", {}, "Shift"), " + ", h("kbd", {}, "Enter"), " for a new line");
    const bar = h("div", { class: "composer-bar" }, this.hint, keys, this.send);
    this.node = h("div", { class: "composer" }, this.completion.node, h("div", { class: "composer-box" }, this.area, bar));
    this.area.addEventListener("input", () => this.changed());
    this.area.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** What can be completed, from the newest screen. */
  update(screen) {
    this.screen = screen;
    this.completion.update(screen, commandsOf(screen));
    this.changed({ isTyped: false });
  }

  /** Put a text into the box, without sending it. */
  fill(text) {
    this.area.value = text;
    this.area.focus();
    this.area.setSelectionRange(text.length, text.length);
    this.changed({ isTyped: false });
  }

  changed({ isTyped = true } = {}) {
    drafts.set(this.key, this.area.value);
    grow(this.area, 220);
    this.send.disabled = !this.area.value.trim();
    const typed = /^(\/\S+)\s/.exec(this.area.value);
    const command = typed && commandsOf(this.screen).find((each) => each.name === typed[1]);
    const words = command ? `${command.name} ${command.usage_hint ?? ""}` : "";
    if (this.hint.textContent !== words) this.hint.textContent = words;
    if (isTyped) this.completion.look();
  }

  onKey(event) {
    if (event.isComposing || this.completion.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && !this.area.value && this.onup?.()) event.preventDefault();
  }

  async submit() {
    const text = this.area.value.trim();
    if (!text) return;
    this.completion.close();
    this.area.value = "";
    this.changed({ isTyped: false });
    try {
      await this.post(text);
    } catch (error) {
      toast(error.message, { kind: "is-wrong" });
      if (!this.area.value) this.fill(text);
    }
  }

  post(text) {
    const { me, channel, thread } = this.room;
    const command = /^\/(\S+)\s*([^]*)$/.exec(text);
    if (!command) return act(me, "say", { channel_id: channel, text, thread_ts: thread || null });
    if (thread) throw new Error("Slash commands do not work in threads. Type it in the channel.");
    return this.command(`/${command[1]}`, command[2]);
  }

  async command(name, text) {
    const { me, channel } = this.room;
    if (name === INVITE.name) return this.invite(text);
    if (name === LEAVE.name) return act(me, "leave", { channel_id: channel });
    return act(me, "command", { name, text, channel_id: channel });
  }

  async invite(text) {
    const wanted = text.trim().replace(/^@/, "").toLowerCase();
    const found = this.screen.people.find((person) => person.name.toLowerCase() === wanted);
    if (!found) throw new Error(`Nobody here is called ${text.trim() || "nothing"}: /invite @someone`);
    return act(this.room.me, "invite", { channel_id: this.room.channel, user_id: found.id });
  }
}
