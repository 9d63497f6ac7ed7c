// Elements that tell the app at once when used: buttons, overflow menus, selects outside forms.

import { h, icon } from "./dom.js";
import { ask } from "./dialog.js";
import { field, valueOf } from "./inputs.js";
import { openMenu } from "./menu.js";
import { plain } from "./mrkdwn.js";

/** The node of an interactive element of a block. */
export function control(block, element, context) {
  if (element.type === "button") return button(block, element, context);
  if (element.type === "overflow") return overflow(block, element, context);
  if (element.type === "workflow_button") return h("button", { type: "button", disabled: true }, "workflow");
  return chooser(block, element, context);
}

const focusName = (block, element) => `${block.block_id ?? ""} ${element.action_id}`;

/** Ask for confirmation if the element wants it, then tell the app; `node` is busy meanwhile. */
async function use(node, { block, element, value, context }) {
  if (element.confirm && !(await ask(element.confirm, context.names))) return false;
  node.setAttribute("aria-busy", "true");
  try {
    await context.act(block, element, value);
  } finally {
    node.removeAttribute("aria-busy");
  }
  return true;
}

function button(block, element, context) {
  const attributes = {
    type: "button",
    class: `button ${element.style ?? ""}`,
    "aria-label": element.accessibility_label,
    dataset: { focus: focusName(block, element), action: element.action_id },
  };
  const node = h("button", attributes, plain(element.text.text));
  const href = element.url && context.names.link(element.url, "").getAttribute?.("href");
  node.addEventListener("click", async () => {
    if (node.getAttribute("aria-busy")) return;
    if (href) window.open(href, "_blank", "noopener,noreferrer");
    await use(node, { block, element, context });
  });
  return node;
}

function overflow(block, element, context) {
  const attributes = {
    type: "button",
    class: "button overflow",
    "aria-label": "More actions",
    "aria-haspopup": "menu",
    dataset: { focus: focusName(block, element), action: element.action_id },
  };
  const node = h("button", attributes, icon("more"));
  const items = element.options.map((option) => ({
    label: option.text.text,
    detail: option.description?.text,
    run: () => use(node, { block, element, value: option.value, context }),
  }));
  node.addEventListener("click", () => openMenu(node, items));
  return node;
}

function chooser(block, element, context) {
  const label = element.placeholder?.text || "Choose";
  const node = field(element, { id: "", label, context, initial: null });
  node.dataset.focus = focusName(block, element);
  node.addEventListener("change", async () => {
    const value = valueOf(element, node);
    await use(node, { block, element, value, context });
  });
  return node;
}
