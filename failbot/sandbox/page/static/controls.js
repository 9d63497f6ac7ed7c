// Elements that tell the app at once when used: buttons, and choices outside forms.

import { h } from "./dom.js";
import { field, valueOf } from "./inputs.js";
import { plain } from "./mrkdwn.js";

/** The node of an interactive element of a block. */
export function control(block, element, context) {
  return element.type === "button" ? button(block, element, context) : chooser(block, element, context);
}

const focusName = (block, element) => `${block.block_id ?? ""} ${element.action_id}`;

/** Tell the app; `node` is busy meanwhile. */
async function use(node, { block, element, value, context }) {
  node.setAttribute("aria-busy", "true");
  try {
    await context.act(block, element, value);
  } finally {
    node.removeAttribute("aria-busy");
  }
}

function button(block, element, context) {
  const attributes = {
    type: "button",
    class: `button ${element.style ?? ""}`,
    dataset: { focus: focusName(block, element), action: element.action_id },
  };
  const node = h("button", attributes, plain(element.text.text));
  node.addEventListener("click", () => node.getAttribute("aria-busy") || use(node, { block, element, context }));
  return node;
}

function chooser(block, element, context) {
  const label = element.placeholder?.text || "Choose";
  const node = field(element, { id: "", label, context, initial: null });
  node.dataset.focus = focusName(block, element);
  node.addEventListener("change", () => use(node, { block, element, value: valueOf(element, node), context }));
  return node;
}
