// Building and keeping DOM nodes. Texts become text nodes; nothing here takes markup.

const SVG = "http://www.w3.org/2000/svg";
const AS_PROPERTY = new Set(["value", "checked", "disabled", "selected", "hidden", "open"]);

/** An element: `h("a", {class: "x", onclick: f}, "text", node)`; null and false children vanish. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(node, name, value);
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

function set(node, name, value) {
  if (value == null || value === false) return;
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(node.dataset, value);
  else if (AS_PROPERTY.has(name)) node[name] = value;
  else node.setAttribute(name, value === true ? "" : String(value));
}

const ICONS = {
  hash: "M5 9h14M5 15h14M10 4 8 20M16 4l-2 16",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  more: "M12 5.2a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1M12 11.5a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1M12 17.8a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1",
  reply: "M20 12a8 7 0 1 1-3.5-5.8M20 12c0 3 .5 5 1 7-2-.2-3.5-.8-4.5-1.8M8.5 10.5h7M8.5 14h4",
  send: "M4 12 3.5 4.5 21 12 3.5 19.5 4 12zM4 12h8",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M12 7.5V12l3 2",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20c.3-4 3-6 6.5-6s6.2 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18.5 14.5c1.8.8 2.9 2.7 3 5.5",
  bulb: "M9.5 18h5M10 21h4M8 14.5A6 6 0 1 1 16 14.5c-.8.7-1.2 1.5-1.2 2.5H9.2c0-1-.4-1.8-1.2-2.5",
  chevron: "M7 10l5 5 5-5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  eye: "M2.5 12C5 7.5 8.3 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-5.8 6.5-9.5 6.5s-7-2-9.5-6.5M12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6",
};

/** A line icon, hidden from screen readers: its button carries the name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows only an icon. */
export function iconButton(name, label, onclick, attributes = {}) {
  const button = { type: "button", class: "icon-button", "aria-label": label, title: label };
  return h("button", { ...button, onclick, ...attributes }, icon(name));
}

let last = 0;
/** A fresh id, to tie labels to inputs. */
export const freshId = (name) => `${name}-${++last}`;

/**
 * Make the container's children show the items: unchanged ones keep their nodes (and with them
 * focus, selection and open menus), changed ones are built anew, in order.
 */
export function keep(container, items, { key, build }) {
  const old = new Map([...container.children].map((node) => [node.dataset.key, node]));
  let cursor = container.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const print = JSON.stringify(item);
    let node = old.get(name);
    old.delete(name);
    if (!node || node.print !== print) {
      const fresh = Object.assign(build(item), { print });
      fresh.dataset.key = name;
      if (node) {
        if (cursor === node) cursor = fresh;
        replaceKeepingFocus(node, fresh);
      }
      node = fresh;
    }
    if (node === cursor) cursor = cursor.nextElementSibling;
    else container.insertBefore(node, cursor);
  }
  for (const node of old.values()) node.remove();
}

/** Swap a node; the focus goes to the same control in the new one, or else to the node itself. */
export function replaceKeepingFocus(node, fresh) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  const name = focused?.dataset.focus;
  node.replaceWith(fresh);
  if (!focused) return;
  const same = name && fresh.querySelector(`[data-focus="${CSS.escape(name)}"]`);
  (same || fresh).focus({ preventScroll: true });
}

/** Move the focus among nodes with arrow keys, Home and End; gives true if the key was one. */
export function roam(event, nodes, { wrap = true } = {}) {
  const keys = { ArrowDown: 1, ArrowUp: -1, Home: "first", End: "last" };
  const step = keys[event.key];
  if (!step || !nodes.length) return false;
  const at = nodes.indexOf(document.activeElement);
  let to = step === "first" ? 0 : step === "last" ? nodes.length - 1 : at + step;
  if (wrap) to = (to + nodes.length) % nodes.length;
  nodes[Math.max(0, Math.min(nodes.length - 1, to))].focus();
  event.preventDefault();
  return true;
}
