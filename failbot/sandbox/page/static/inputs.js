// The inputs of forms, each as a labelled field whose value the sandbox's `fill` understands.

import { freshId, h } from "./dom.js";
import { picker } from "./picker.js";
import { text } from "./blocks.js";

const LIMIT = 3000;
const NEAR = 0.85; // from here on, the characters that are left are shown

/** An input block: label, field, hint, room for an error. `state` is what was typed so far. */
export function inputBlock(block, { state, context, onchange }) {
  const { element } = block;
  const id = freshId("input");
  const parts = { error: `${id}-error`, count: `${id}-count` };
  const label = block.label.text;
  const initial = state?.[block.block_id]?.[element.action_id] ?? null;
  const node = field(element, { id, label, context, initial, required: !block.optional });
  const isGroup = element.type === "checkboxes";
  const caption = [label, block.optional && h("span", { class: "optional" }, " (optional)")];
  const tag = isGroup ? "span" : "label";
  const name = h(tag, { class: "label", id: `${id}-label`, for: isGroup ? null : id }, caption);
  if (isGroup) node.setAttribute("aria-labelledby", `${id}-label`);
  const box = h("div", { class: "input", dataset: { block: block.block_id, action: element.action_id } }, name, node);
  const describes = [parts.error];
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
  if (isText(element)) return textField(element, attributes, initial);
  if (type === "checkboxes") return group(element, { id, label, context, initial });
  const options = element.options.map((option) => ({ value: option.value, label: option.text.text }));
  const chosen = chosenValues(element, initial);
  if (type === "multi_static_select") {
    const limit = element.max_selected_items;
    return picker(options, { attributes, chosen, limit, placeholder: element.placeholder?.text, label });
  }
  return select(element, { attributes, options, chosen });
}

/** What `fill` and `click` take for the field's state; null for nothing. */
export function valueOf(element, node) {
  if (node.values) return node.values();
  return node.value || null;
}

const isText = (element) => element.type === "plain_text_input";

function textField(element, attributes, initial) {
  const kind = element.multiline ? { rows: "3" } : { type: "text" };
  const shared = { ...attributes, ...kind, class: "text-field", placeholder: element.placeholder?.text, autocomplete: "off" };
  const node = h(element.multiline ? "textarea" : "input", shared);
  node.value = initial?.value ?? "";
  if (element.multiline) node.addEventListener("input", () => grow(node));
  return node;
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

// Elements of messages have no state of their own: what they were sent with is what is chosen.
function chosenValues(element, initial) {
  const { selected_option: one, selected_options: many } = initial ?? { selected_option: element.initial_option, selected_options: element.initial_options };
  return (many ?? [one]).filter(Boolean).map((option) => option.value);
}

function select(element, { attributes, options, chosen }) {
  const first = h("option", { value: "" }, element.placeholder?.text || "Choose an option");
  const node = h("select", { ...attributes, class: "select" }, first);
  node.append(...options.map((option) => h("option", { value: option.value }, option.label)));
  node.value = chosen[0] ?? "";
  return node;
}

function group(element, { id, label, context, initial }) {
  const chosen = new Set(chosenValues(element, initial));
  const box = h("div", { class: "options", role: "group", "aria-label": id ? null : label });
  for (const option of element.options) {
    const attributes = { type: "checkbox", value: option.value, checked: chosen.has(option.value) };
    box.append(h("label", {}, h("input", attributes), h("span", {}, text(option.text, context))));
  }
  const inputs = [...box.querySelectorAll("input")];
  const values = () => inputs.filter((input) => input.checked).map((input) => input.value);
  return Object.assign(box, { values, control: inputs[0] });
}
