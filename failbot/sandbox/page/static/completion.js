// The list over a message box: / commands, @ people, # channels.

import { freshId, h } from "./dom.js";

const AT_MOST = 8;
const SIGNS = /(^|[\s(])([@#])([\p{L}\p{N}._-]*)$/u;

/** Completes in a text area; `key(event)` gives true where it took the key. */
export class Completion {
  constructor(area, { me }) {
    this.area = area;
    this.me = me;
    this.node = h("ul", { class: "completion", role: "listbox", id: freshId("completion"), "aria-label": "Suggestions", hidden: true });
    this.found = [];
    this.active = 0;
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-controls", this.node.id);
    area.addEventListener("blur", () => this.close());
    area.addEventListener("click", () => this.look());
  }

  update(screen, commands) {
    this.screen = screen;
    this.commands = commands;
  }

  /** Look at what stands before the caret, and offer what fits. */
  look() {
    const { value, selectionStart: caret } = this.area;
    const before = value.slice(0, caret);
    this.active = 0;
    this.offer(this.commandsFor(before) ?? this.namesFor(before) ?? []);
  }

  commandsFor(before) {
    if (!/^\/\S*$/.test(before)) return null;
    const fitting = this.commands.filter(({ name }) => name.startsWith(before.toLowerCase()));
    return fitting.map((each) => ({
      text: each.name,
      from: 0,
      label: each.name,
      hint: each.usage_hint,
      detail: each.description,
    }));
  }

  namesFor(before) {
    const match = SIGNS.exec(before);
    if (!match) return null;
    const [whole, lead, sign, word] = match;
    const from = before.length - whole.length + lead.length;
    const all = sign === "@" ? this.peopleNamed() : this.channelsNamed();
    const wanted = word.toLowerCase();
    const fits = ({ text, detail }) => [text.slice(1), ...(detail ?? "").split(" ")].some((part) => part.toLowerCase().startsWith(wanted));
    return all.filter(fits).map((each) => ({ ...each, from, label: each.text }));
  }

  peopleNamed() {
    const people = this.screen.people.filter((person) => !person.deleted && person.id !== "USLACKBOT" && person.id !== this.me);
    const isBot = (person) => person.id === this.screen.bot.user_id;
    people.sort((a, b) => isBot(b) - isBot(a));
    return people.map((person) => ({ text: `@${person.name}`, detail: isBot(person) ? "app" : person.real_name }));
  }

  channelsNamed() {
    const named = this.screen.channels.filter((channel) => ["public", "private"].includes(channel.kind) && channel.name);
    return named.map((channel) => ({ text: `#${channel.name}`, detail: channel.kind === "private" ? "private" : "" }));
  }

  offer(found) {
    this.found = found.slice(0, AT_MOST);
    this.draw();
  }

  draw() {
    const isOpen = this.found.length > 0;
    this.node.replaceChildren(...this.found.map((each, number) => this.row(each, number)));
    this.node.hidden = !isOpen;
    const active = this.node.children[this.active];
    if (isOpen) this.area.setAttribute("aria-activedescendant", active.id);
    else this.area.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  row(each, number) {
    const attributes = { id: freshId("suggestion"), role: "option", "aria-selected": String(number === this.active) };
    const take = (event) => {
      event.preventDefault();
      this.take(each);
    };
    const words = [h("strong", {}, each.label), each.hint && h("span", { class: "hint" }, each.hint), each.detail && h("span", { class: "detail" }, each.detail)];
    return h("li", { ...attributes, onpointerdown: take }, words);
  }

  take({ text, from }) {
    const { value, selectionStart: caret } = this.area;
    const after = value.slice(caret).replace(/^ ?/, " ");
    this.area.value = value.slice(0, from) + text + after;
    const end = from + text.length + 1;
    this.area.setSelectionRange(end, end);
    this.close();
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  close() {
    this.found = [];
    this.active = 0;
    this.draw();
  }

  key(event) {
    if (!this.found.length) return false;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    const chosen = this.found[this.active];
    if (steps[event.key]) {
      this.active = (this.active + steps[event.key] + this.found.length) % this.found.length;
      this.draw();
    } else if (event.key === "Escape") this.close();
    else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) {
      // What is typed in full already is sent by Enter.
      const typed = this.area.value.slice(chosen.from, this.area.selectionStart);
      if (event.key === "Enter" && chosen.text === typed) return false;
      this.take(chosen);
    } else return false;
    event.preventDefault();
    return true;
  }
}
