// Choosing several of a list: a combobox that filters, with the chosen ones as removable chips.

import { freshId, h, icon } from "./dom.js";

/** The field; `values()` gives what is chosen, "change" tells of changes, `control` takes focus. */
export function picker(options, { attributes, chosen, limit, placeholder, label }) {
  return new Picker(options, { attributes, chosen, limit, placeholder, label }).node;
}

class Picker {
  constructor(options, { attributes, chosen, limit, placeholder, label }) {
    this.options = options;
    this.limit = limit ?? options.length;
    this.placeholder = placeholder || "Choose some";
    this.chosen = options.filter((option) => chosen.includes(option.value));
    this.active = 0;
    this.build(attributes, label);
    this.draw();
  }

  build(attributes, label) {
    const list = freshId("list");
    const combobox = { role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": list };
    this.input = h("input", { ...attributes, ...combobox, type: "text", autocomplete: "off" });
    this.list = h("ul", { id: list, role: "listbox", "aria-multiselectable": "true", "aria-label": label, hidden: true });
    this.chips = h("ul", { class: "chips", "aria-label": `Chosen: ${label}` });
    this.frame = h("div", { class: "picker-frame" }, this.chips, this.input);
    const values = () => this.chosen.map((option) => option.value);
    this.node = Object.assign(h("div", { class: "picker" }, this.frame, this.list), { values, control: this.input });
    this.frame.addEventListener("click", () => this.input.focus());
    this.input.addEventListener("click", () => this.show(true));
    this.input.addEventListener("input", () => this.filter());
    this.input.addEventListener("keydown", (event) => this.key(event));
    // A change of the search text is none of the field.
    this.input.addEventListener("change", (event) => event.stopPropagation());
    this.node.addEventListener("focusout", (event) => {
      if (!this.node.contains(event.relatedTarget)) this.show(false);
    });
  }

  get isOpen() {
    return !this.list.hidden;
  }

  get found() {
    const words = this.input.value.trim().toLowerCase();
    return this.options.filter((option) => option.label.toLowerCase().includes(words));
  }

  filter() {
    this.active = 0;
    this.show(true);
  }

  show(isOpen) {
    this.list.hidden = !isOpen;
    this.input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) this.input.value = "";
    this.draw();
  }

  draw() {
    this.chips.replaceChildren(...this.chosen.map((option) => this.chip(option)));
    this.input.placeholder = this.chosen.length ? "" : this.placeholder;
    this.list.replaceChildren(...(this.isOpen ? this.rows() : []));
    const active = this.list.querySelector(".is-active");
    if (active) this.input.setAttribute("aria-activedescendant", active.id);
    else this.input.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  rows() {
    const { found } = this;
    if (!found.length) return [h("li", { class: "none" }, "Nothing of that name")];
    const isFull = this.chosen.length >= this.limit;
    const rows = found.map((option, number) => this.row(option, { number, isFull }));
    return isFull ? [h("li", { class: "none" }, `At most ${this.limit} can be chosen`), ...rows] : rows;
  }

  row(option, { number, isFull }) {
    const isChosen = this.chosen.includes(option);
    const attributes = {
      id: freshId("option"),
      role: "option",
      class: number === this.active ? "is-active" : "",
      "aria-selected": String(isChosen),
      "aria-disabled": isFull && !isChosen ? "true" : null,
    };
    const take = (event) => {
      event.preventDefault();
      this.active = number;
      this.toggle(option);
    };
    return h("li", { ...attributes, onpointerdown: take }, isChosen && icon("check"), h("span", {}, option.label));
  }

  chip(option) {
    const remove = (event) => {
      event.stopPropagation();
      this.toggle(option);
      this.input.focus();
    };
    const attributes = { type: "button", "aria-label": `Remove ${option.label}` };
    return h("li", {}, h("span", {}, option.label), h("button", { ...attributes, onclick: remove }, icon("close")));
  }

  toggle(option) {
    if (this.chosen.includes(option)) this.chosen = this.chosen.filter((each) => each !== option);
    else if (this.chosen.length < this.limit) this.chosen = [...this.chosen, option];
    else return;
    this.input.value = "";
    this.draw();
    this.node.dispatchEvent(new Event("change"));
  }

  key(event) {
    const { found } = this;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (steps[event.key]) {
      event.preventDefault();
      const by = this.isOpen ? steps[event.key] : 0;
      this.active = (this.active + by + found.length) % Math.max(found.length, 1);
      this.show(true);
    } else if (event.key === "Enter") {
      // Never submits the form: Enter chooses.
      event.preventDefault();
      if (this.isOpen && found[this.active]) this.toggle(found[this.active]);
      else this.show(true);
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.show(false);
    } else if (event.key === "Backspace" && !this.input.value && this.chosen.length) {
      this.toggle(this.chosen.at(-1));
    }
  }
}
