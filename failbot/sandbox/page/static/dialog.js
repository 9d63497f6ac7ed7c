// Dialogs of the page itself: questions to confirm, panels of information.

import { freshId, h, iconButton } from "./dom.js";

/** Show a dialog with a title; gives it, modal, focused, closed by Escape and its button. */
export function openDialog(title, body, { foot = [], kind = "" } = {}) {
  const id = freshId("title");
  const dialog = h("dialog", { class: `dialog ${kind}`, "aria-modal": "true", "aria-labelledby": id });
  const close = iconButton("close", "Close", () => dialog.close());
  dialog.append(
    h("div", { class: "dialog-head" }, h("h2", { id }, title), close),
    h("div", { class: "dialog-body" }, body),
    foot.length ? h("div", { class: "dialog-foot" }, foot) : "",
  );
  show(dialog);
  return dialog;
}

/** Show a dialog modally; closed, it leaves the page, and the focus is back where it was. */
export function show(dialog) {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.showModal();
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (!before?.isConnected) return;
    // Chromium has given the focus back already, but without the caret: nothing could be typed.
    before.blur();
    before.focus({ preventScroll: true });
  });
}

/** A yes-or-no question; Escape is no. */
export function question({ title, body, yes, no, style }) {
  return new Promise((resolve) => {
    let answer = false;
    const decide = (value) => () => {
      answer = value;
      dialog.close();
    };
    const foot = [
      h("button", { type: "button", class: "button", onclick: decide(false) }, no),
      h("button", { type: "button", class: `button ${style}`, onclick: decide(true) }, yes),
    ];
    const dialog = openDialog(title, body, { foot, kind: "question" });
    dialog.setAttribute("role", "alertdialog");
    dialog.addEventListener("close", () => resolve(answer));
    foot[1].focus();
  });
}

const shown = new Set();
/** A passing remark in the corner. */
export function toast(words, { kind = "" } = {}) {
  if (shown.has(words)) return;
  shown.add(words);
  const gone = () => {
    shown.delete(words);
    node.remove();
  };
  const node = h("div", { class: `toast ${kind}` }, h("span", {}, words), iconButton("close", "Dismiss", gone));
  document.querySelector(".toasts").append(node);
  setTimeout(gone, 8000);
}
