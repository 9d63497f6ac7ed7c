// Block Kit as DOM nodes: everything but the inputs of forms, which are in inputs.js.

import { h } from "./dom.js";
import { control } from "./controls.js";
import { mrkdwn, plain } from "./mrkdwn.js";

/**
 * The nodes of some blocks. `context` has `names`; `act(block, element, value)`, which tells the
 * app and settles when it has acked; and for forms `input(block)`. The sandbox has refused every
 * block that is not here.
 */
export const blocks = (list, context) => list.map((block) => render(block, context));

function render(block, ctx) {
  const node = RENDERERS[block.type](block, ctx);
  node.classList.add("block");
  return node;
}

/** A text object: plain_text or mrkdwn. */
export function text(object, ctx) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, ctx.names) : plain(object.text);
}

const section = (block, ctx) => h("div", { class: "section" }, h("div", { class: "text" }, text(block.text, ctx)));
const divider = () => h("hr");
const context = (block, ctx) => h("div", { class: "context" }, block.elements.map((each) => h("span", { class: "text" }, text(each, ctx))));
const actions = (block, ctx) => h("div", { class: "actions" }, block.elements.map((each) => control(block, each, ctx)));
const input = (block, ctx) => (ctx.input ? ctx.input(block) : h("p", { class: "quiet" }, "(an input)"));

// After the functions, which are constants.
const RENDERERS = { section, context, actions, divider, input };
