// Block Kit as DOM nodes: everything but the inputs of forms, which are in inputs.js.

import { h } from "./dom.js";
import { control } from "./controls.js";
import { emoji, mrkdwn, plain } from "./mrkdwn.js";

/**
 * The nodes of some blocks. `context` has `names`; `act(block, element, value)`, which tells the
 * app and settles when it has acked; and for forms `input(block)`.
 */
export const blocks = (list, context) => list.map((block) => render(block, context));

function render(block, ctx) {
  const renderer = RENDERERS[block.type] ?? unshown;
  const node = renderer(block, ctx);
  node.classList.add("block");
  return node;
}

/** A text object: plain_text or mrkdwn. */
export function text(object, ctx) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, ctx.names) : plain(object.text);
}

function section(block, ctx) {
  const body = h("div", { class: "section-body" });
  if (block.text) body.append(h("div", { class: "text" }, text(block.text, ctx)));
  if (block.fields) {
    const fields = block.fields.map((field) => h("div", { class: "text" }, text(field, ctx)));
    body.append(h("div", { class: "fields" }, fields));
  }
  const accessory = block.accessory && element(block, block.accessory, ctx);
  return h("div", { class: "section" }, body, accessory && h("div", { class: "accessory" }, accessory));
}

function element(block, each, ctx) {
  return each.type === "image" ? picture(each, "thumb") : control(block, each, ctx);
}

// Blocks stand inside messages and views, whose own headings are of level 2.
const header = (block, ctx) => h("h3", { class: "header" }, text(block.text, ctx));

function context(block, ctx) {
  const parts = block.elements.map((each) =>
    each.type === "image" ? picture(each, "tiny") : h("span", { class: "text" }, text(each, ctx)),
  );
  return h("div", { class: "context" }, parts);
}

function actions(block, ctx) {
  return h("div", { class: "actions" }, block.elements.map((each) => element(block, each, ctx)));
}

const divider = () => h("hr");
const markdown = (block, ctx) => h("div", { class: "text" }, mrkdwn(block.text, ctx.names));
const unshown = (block) => h("p", { class: "quiet" }, `(a ${block.type} block)`);

function image(block, ctx) {
  return h("figure", {}, block.title && h("figcaption", {}, text(block.title, ctx)), picture(block, ""));
}

// The page loads nothing from elsewhere, so that a picture is named instead of fetched.
function picture({ alt_text: words }, size) {
  return h("span", { class: `picture ${size}`, role: "img", "aria-label": words }, size ? "" : words);
}

function input(block, ctx) {
  return ctx.input ? ctx.input(block) : unshown(block);
}

function rich(block, ctx) {
  return h("div", { class: "text" }, block.elements.map((each) => richPart(each, ctx)));
}

function richPart(part, ctx) {
  const inner = () => part.elements.map((each) => richElement(each, ctx));
  switch (part.type) {
    case "rich_text_preformatted":
      return h("pre", { tabindex: "0" }, h("code", {}, inner()));
    case "rich_text_quote":
      return h("blockquote", {}, inner());
    case "rich_text_list":
      return h(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((item) => h("li", {}, richPart(item, ctx))));
    default:
      return h("div", { class: "line" }, inner());
  }
}

function richElement(each, ctx) {
  switch (each.type) {
    case "user":
      return ctx.names.person(each.user_id);
    case "channel":
      return ctx.names.channel(each.channel_id, "");
    case "link":
      return styled(ctx.names.link(each.url, each.text || each.url), each.style);
    case "emoji":
      return emoji(each.name);
    case "broadcast":
      return h("span", { class: "mention is-mass" }, `@${each.range}`);
    default:
      return styled(document.createTextNode(each.text ?? ""), each.style);
  }
}

function styled(node, style = {}) {
  const tags = { bold: "strong", italic: "em", strike: "s", code: "code" };
  return Object.keys(tags).reduce((inner, name) => (style[name] ? h(tags[name], {}, inner) : inner), node);
}

/** A legacy attachment: a coloured bar, text, blocks. */
export function attachment(each, ctx) {
  const title = each.title_link ? ctx.names.link(each.title_link, each.title) : each.title;
  const parts = [
    each.pretext && h("div", { class: "text" }, mrkdwn(each.pretext, ctx.names)),
    title && h("div", { class: "text" }, h("strong", {}, title)),
    each.text && h("div", { class: "text" }, mrkdwn(each.text, ctx.names)),
    each.blocks && blocks(each.blocks, ctx),
    each.footer && h("div", { class: "context" }, each.footer),
  ];
  return h("div", { class: "attachment" }, parts);
}

// After the functions, some of which are constants.
const RENDERERS = {
  section, header, context, actions, divider, image, input, rich_text: rich, markdown, video: unshown,
};
