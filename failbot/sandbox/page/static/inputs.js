// The inputs of forms, each as a labelled field whose value the sandbox's `fill` understands.

import { freshId, h } from "./dom.js";
import { picker } from "./picker.js";
import { text } from "./blocks.js";

const TEXTS = {
  plain_text_input: "text", email_text_input: "email", url_text_input: "url", number_input: "text",
  datepicker: "date", timepicker: "time", datetimepicker: "datetime-local", rich_text_input: "text",
};
const LIMIT = 3000;
const NEAR = 0.85; // from here on, the characters that are left are shown

/** An input block: label, field, hint, room for an error. `state` is what was typed so far. */
export function inputBlock(block, { state, context, onchange }) {
  const { element } = block;
  const id = freshId("input");
  const parts = { hint: `${id}-hint`, error: `${id}-error`, count: `${id}-count` };
  const label = block.label.text;
  const initial = state?.[block.block_id]?.[element.action_id] ?? null;
  const node = field(element, { id, label, context, initial, required: !block.optional });
  const isGroup = ["checkboxes", "radio_buttons"].includes(element.type);
  const caption = [label, block.optional && h("span", { class: "optional" }, " (optional)")];
  const tag = isGroup ? "span" : "label";
  const name = h(tag, { class: "label", id: `${id}-label`, for: isGroup ? null : id }, caption);
  if (isGroup) node.setAttribute("aria-labelledby", `${id}-label`);
  const box = h("div", { class: "input", dataset: { block: block.block_id, action: element.action_id } }, name, node);
  const describes = [parts.error];
  if (block.hint) {
    describes.push(parts.hint);
    box.append(h("p", { class: "hint", id: parts.hint }, text(block.hint, context)));
  }
  if (isText(element)) {
    describes.push(parts.count);
    box.append(counter(node, element, parts.count));
  }
  box.append(h("p", { class: "error", id: parts.error }));
  target(node).setAttribute("aria-describedby", describes.join(" "));
  node.addEventListener("change", () => onchange(block, valueOf(element, node)));
  return Object.assign(box, { field: node, read: () => valueOf(element, node) });
}

/** Show words beside an input, or none. */
export function showError(box, words) {
  box.querySelector(".error").textContent = words ?? "";
  box.classList.toggle("is-wrong", Boolean(words));
  if (words) target(box.field).setAttribute("aria-invalid", "true");
  else target(box.field).removeAttribute("aria-invalid");
}

/** The element inside a field that takes the focus. */
export const target = (node) => node.control ?? node;

/** A field for an element, with what `initial`, its state, holds. */
export function field(element, { id, label, context, initial, required = false }) {
  const attributes = { id: id || null, "aria-label": id ? null : label, "aria-required": required ? "true" : null };
  const { type } = element;
  if (type in TEXTS) return textField(element, attributes, initial);
  if (type === "checkboxes" || type === "radio_buttons") return group(element, { id, label, context, initial, required });
  const options = optionsOf(element, context);
  const chosen = chosenValues(element, initial);
  if (type.startsWith("multi_")) {
    const limit = element.max_selected_items;
    return picker(options, { attributes, chosen, limit, placeholder: element.placeholder?.text, label });
  }
  return select(element, { attributes, options, chosen });
}

/** What `fill` and `click` take for the field's state; null for nothing. */
export function valueOf(element, node) {
  if (element.type in TEXTS) return typed(element, node.value);
  if (node.values) return node.values();
  return node.value || null;
}

const isText = (element) => TEXTS[element.type] === "text" && element.type !== "number_input";

function typed(element, value) {
  if (!value) return null;
  if (element.type === "datetimepicker") return Math.floor(new Date(value).getTime() / 1000);
  if (element.type !== "rich_text_input") return value;
  const inner = [{ type: "text", text: value }];
  return { type: "rich_text", elements: [{ type: "rich_text_section", elements: inner }] };
}

function textField(element, attributes, initial) {
  const isLong = element.multiline || element.type === "rich_text_input";
  const kind = isLong ? { rows: "3" } : { type: TEXTS[element.type] };
  const shared = { ...attributes, ...kind, class: "text-field", placeholder: element.placeholder?.text, autocomplete: "off" };
  if (element.type === "number_input") shared.inputmode = "decimal";
  const node = h(isLong ? "textarea" : "input", shared);
  node.value = textOf(element, initial);
  if (isLong) node.addEventListener("input", () => grow(node));
  return node;
}

function textOf(element, initial) {
  if (!initial) return "";
  if (element.type === "rich_text_input") {
    return initial.rich_text_value?.elements?.flatMap((part) => part.elements.map((e) => e.text ?? "")).join("") ?? "";
  }
  const { value, selected_date: date, selected_time: time } = initial;
  return value ?? date ?? time ?? "";
}

/** Make a text area as high as its text, within reason. */
export function grow(node, most = 320) {
  node.style.height = "auto";
  node.style.height = `${Math.min(node.scrollHeight + 2, most)}px`;
}

function counter(node, element, id) {
  const limit = element.max_length ?? LIMIT;
  const count = h("p", { class: "count", id });
  const show = () => {
    const left = limit - [...node.value].length;
    count.textContent = left < limit * (1 - NEAR) ? String(left) : "";
    count.classList.toggle("is-over", left < 0);
  };
  node.addEventListener("input", show);
  show();
  return count;
}

function optionsOf(element, context) {
  const one = (option) => ({ value: option.value, label: option.text.text, detail: option.description?.text });
  if (element.option_groups) {
    return element.option_groups.flatMap((group) => group.options.map((o) => ({ ...one(o), group: group.label.text })));
  }
  if (element.options) return element.options.map(one);
  if (element.type.includes("users")) {
    return [...context.names.people.values()].map((person) => ({ value: person.id, label: person.real_name }));
  }
  const channels = [...context.names.channels.values()].filter((c) => !element.type.includes("channels") || c.kind === "public");
  return channels.map((channel) => ({ value: channel.id, label: channel.kind === "im" ? channel.name : `#${channel.name}` }));
}

function chosenValues(element, initial) {
  const found = initial ?? initialOf(element);
  const lists = [found.selected_options?.map((o) => o.value), found.selected_users, found.selected_channels, found.selected_conversations];
  const ones = [found.selected_option?.value, found.selected_user, found.selected_channel, found.selected_conversation];
  return lists.find(Boolean) ?? ones.filter(Boolean);
}

// Elements of messages have no state of their own: what they were sent with is what is chosen.
function initialOf(element) {
  const named = Object.entries(element).filter(([name]) => name.startsWith("initial_"));
  return Object.fromEntries(named.map(([name, value]) => [name.replace("initial", "selected"), value]));
}

function select(element, { attributes, options, chosen }) {
  const first = h("option", { value: "" }, element.placeholder?.text || "Choose an option");
  const node = h("select", { ...attributes, class: "select" }, first);
  const groups = new Map();
  for (const option of options) {
    const parent = option.group ? groups.get(option.group) ?? h("optgroup", { label: option.group }) : node;
    if (option.group && !groups.has(option.group)) node.append(groups.set(option.group, parent).get(option.group));
    parent.append(h("option", { value: option.value }, option.label));
  }
  node.value = chosen[0] ?? "";
  return node;
}

function group(element, { id, label, context, initial, required }) {
  const isMany = element.type === "checkboxes";
  const chosen = new Set(chosenValues(element, initial));
  const name = freshId("group");
  const box = h("div", { class: "options", role: isMany ? "group" : "radiogroup", "aria-label": id ? null : label });
  for (const option of element.options) {
    const attributes = { type: isMany ? "checkbox" : "radio", name, value: option.value, checked: chosen.has(option.value) };
    const detail = option.description && h("span", { class: "detail" }, text(option.description, context));
    box.append(h("label", {}, h("input", attributes), h("span", {}, text(option.text, context), detail)));
  }
  const inputs = [...box.querySelectorAll("input")];
  if (required && !isMany) box.setAttribute("aria-required", "true");
  const ticked = () => inputs.filter((input) => input.checked).map((input) => input.value);
  const values = () => (isMany ? ticked() : ticked()[0] ?? null);
  return Object.assign(box, { values, control: inputs[0] });
}
