// Slack's text markup as DOM nodes. Whatever is not known markup stays the text that it is.

import { h } from "./dom.js";

const SAFE_URL = /^(https?:\/\/|mailto:|tel:)/i;
const TOKEN = /^<(?:@([UW][A-Z0-9]+)|#([CGD][A-Z0-9]+)|!([^<>|]+)|([^<>|\s]+))(?:\|([^<>]*))?>/;
const MARKS = { "*": "strong", _: "em", "~": "s" };
const EMOJI = {
  "+1": "👍", "-1": "👎", eyes: "👀", tada: "🎉", heart: "❤️", white_check_mark: "✅",
  pray: "🙏", warning: "⚠️", bulb: "💡", wave: "👋", rocket: "🚀", thinking_face: "🤔",
  sparkles: "✨", mag: "🔍", memo: "📝", x: "❌", fire: "🔥", bar_chart: "📊", robot_face: "🤖",
};

/** `&lt;`, `&gt;` and `&amp;` read back, once. */
export const unescape = (text) =>
  text.replace(/&(lt|gt|amp);/g, (_, name) => ({ lt: "<", gt: ">", amp: "&" })[name]);

/** Nodes for a text of type plain_text: only its emoji are live. */
export function plain(text) {
  return [text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole)];
}

/** Nodes for a mrkdwn text; `names` gives people and channels their names, and links their way. */
export function mrkdwn(text, names) {
  return text.split(/\n?```\n?/).flatMap((part, number, parts) => {
    const isCode = number % 2 === 1;
    if (isCode && number < parts.length - 1) return fenced(part);
    if (isCode) return lines("```" + part, names);
    return part ? lines(part, names) : [];
  });
}

function fenced(code) {
  return h("pre", { tabindex: "0" }, h("code", {}, unescape(code)));
}

function lines(text, names) {
  const nodes = [];
  let quoted = null;
  for (const [number, line] of text.split("\n").entries()) {
    const quote = /^(?:&gt;|>) ?(.*)$/s.exec(line);
    if (quote) {
      if (quoted) quoted.append(h("br"));
      else nodes.push((quoted = h("blockquote")));
      quoted.append(...inline(quote[1], names));
      continue;
    }
    if (number && !quoted) nodes.push(h("br"));
    quoted = null;
    nodes.push(...inline(line, names));
  }
  return nodes;
}

function inline(text, names) {
  const nodes = [];
  const unclosed = new Set();
  let plainFrom = 0;
  let at = 0;
  const take = (node, to) => {
    if (at > plainFrom) nodes.push(...plain(unescape(text.slice(plainFrom, at))));
    nodes.push(node);
    plainFrom = at = to;
  };
  while (at < text.length) {
    const found = live(text, at, { names, unclosed });
    if (found) take(found.node, found.end);
    else at += 1;
  }
  if (at > plainFrom) nodes.push(...plain(unescape(text.slice(plainFrom))));
  return nodes;
}

/** The live part that starts at `at`, or null; `unclosed` spares looking twice in vain. */
function live(text, at, { names, unclosed }) {
  const char = text[at];
  if (char === "<") return token(text.slice(at, at + 4000), at, names);
  if (char === "`") return code(text, at);
  if (!MARKS[char] || unclosed.has(char) || isWord(text[at - 1]) || isBlank(text[at + 1])) {
    return null;
  }
  for (let end = text.indexOf(char, at + 2); end > 0; end = text.indexOf(char, end + 1)) {
    if (isBlank(text[end - 1]) || isWord(text[end + 1])) continue;
    return { node: h(MARKS[char], {}, inline(text.slice(at + 1, end), names)), end: end + 1 };
  }
  unclosed.add(char);
  return null;
}

const isWord = (char) => char !== undefined && /[\p{L}\p{N}]/u.test(char);
const isBlank = (char) => char === undefined || /\s/.test(char);

function code(text, at) {
  const end = text.indexOf("`", at + 1);
  if (end <= at + 1) return null;
  return { node: h("code", {}, unescape(text.slice(at + 1, end))), end: end + 1 };
}

function token(text, at, names) {
  const match = TOKEN.exec(text);
  if (!match) return null;
  const [whole, user, channel, special, url, label] = match;
  const end = at + whole.length;
  const shown = label === undefined ? "" : unescape(label);
  if (user) return { node: names.person(user), end };
  if (channel) return { node: names.channel(channel, shown), end };
  if (special) return { node: broadcast(special, shown), end };
  const target = unescape(url);
  return SAFE_URL.test(target) ? { node: names.link(target, shown || target), end } : null;
}

function broadcast(special, label) {
  if (special.startsWith("date^")) return h("time", {}, label || special);
  const name = special.startsWith("subteam^") ? label || "@group" : `@${special}`;
  return h("span", { class: "mention is-mass" }, name);
}

/** A link that leaves the page; anything but web, mail and phone addresses stays text. */
export function outside(url, label) {
  if (!SAFE_URL.test(url)) return document.createTextNode(label);
  const away = { target: "_blank", rel: "noopener noreferrer" };
  return h("a", { href: url, ...away }, label);
}
