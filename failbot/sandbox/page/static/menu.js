// A menu at a button: arrow keys, Escape, letters; the focus goes back to the button.

import { h, roam } from "./dom.js";

let open = null;

/** Show a menu of `{label, detail, danger, checked, run}` under (or over) the button. */
export function openMenu(anchor, items) {
  if (open?.anchor === anchor) return open.close();
  open?.close();
  const menu = h("div", { class: "menu", role: "menu", "aria-label": anchor.getAttribute("aria-label") || "Menu" });
  const close = () => shut(menu, anchor);
  menu.append(...items.map((item) => menuItem(item, close)));
  menu.addEventListener("keydown", (event) => onKey(event, menu, close));
  // Inside an open dialog everything outside it is inert, so that the menu has to live there.
  (anchor.closest("dialog") ?? document.body).append(menu);
  anchor.setAttribute("aria-expanded", "true");
  put(menu, anchor);
  open = { anchor, close, menu };
  menu.firstElementChild?.focus();
}

function shut(menu, anchor) {
  if (!menu.isConnected) return;
  const hadFocus = menu.contains(document.activeElement);
  menu.remove();
  open = null;
  // In this order: the tools of a message show while a menu of theirs is open, or one has the focus.
  if (hadFocus) anchor.focus();
  anchor.setAttribute("aria-expanded", "false");
}

function menuItem({ label, detail, danger, checked, run }, close) {
  const role = checked === undefined ? "menuitem" : "menuitemradio";
  const attributes = { type: "button", role, tabindex: "-1", class: danger ? "danger" : "" };
  if (checked !== undefined) attributes["aria-checked"] = String(checked);
  const act = () => {
    close();
    run();
  };
  const words = [h("span", {}, label), detail && h("span", { class: "detail" }, detail)];
  return h("button", { ...attributes, onclick: act }, words);
}

function onKey(event, menu, close) {
  const nodes = [...menu.children];
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    close();
  } else if (!roam(event, nodes) && event.key.length === 1) {
    const letter = event.key.toLowerCase();
    nodes.find((node) => node.textContent.toLowerCase().startsWith(letter))?.focus();
  }
}

function put(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const isLow = at.bottom + height + 8 > innerHeight && at.top > height;
  const left = Math.max(8, Math.min(at.right - width, innerWidth - width - 8));
  menu.style.left = `${left}px`;
  menu.style.top = `${isLow ? at.top - height - 4 : Math.min(at.bottom + 4, innerHeight - height - 8)}px`;
}

addEventListener("pointerdown", (event) => {
  if (open && !open.menu.contains(event.target) && !open.anchor.contains(event.target)) open.close();
});
addEventListener("resize", () => open?.close());
