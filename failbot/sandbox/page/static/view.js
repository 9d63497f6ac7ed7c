// The app's modals: one dialog for the view on top, filled, submitted and closed as in Slack.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { show, toast } from "./dialog.js";
import { h, iconButton } from "./dom.js";
import { grow, inputBlock, showError, target } from "./inputs.js";
import { plain } from "./mrkdwn.js";

let shown = null;

/** Show the screen's modal, keep the open one current, or close it. */
export function showView(screen, me, names) {
  const { view } = screen;
  if (!view || (shown && (shown.view.id !== view.id || shown.me !== me))) shown?.leave();
  if (!view) return;
  if (!shown) shown = new Modal(view, me, names);
  else shown.refresh(view, names);
}

class Modal {
  constructor(view, me, names) {
    this.me = me;
    this.names = names;
    this.unsent = new Map(); // block_id -> value that the sandbox has not been told
    this.sending = Promise.resolve();
    this.dialog = h("dialog", { class: "dialog view", "aria-modal": "true", "aria-labelledby": "view-title" });
    this.dialog.addEventListener("cancel", (event) => this.cancel(event));
    // A browser closes a dialog by itself when Escape is pressed twice.
    this.dialog.addEventListener("close", () => shown === this && this.close());
    this.draw(view);
    show(this.dialog);
    for (const area of this.dialog.querySelectorAll("textarea")) grow(area);
    this.focusFirst();
  }

  draw(view) {
    this.view = view;
    this.inputs = [];
    const context = {
      names: this.names,
      act: (block, element, value) => this.click(block, element, value),
      input: (block) => this.input(block, context),
    };
    this.banner = h("p", { class: "banner", role: "alert" });
    const body = h("div", { class: "dialog-body" }, this.banner, blocks(view.blocks, context));
    const form = h("form", { novalidate: true, class: "view-form" }, this.head(view), body, this.foot(view));
    form.addEventListener("submit", (event) => this.submit(event));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.submit(event);
    });
    this.dialog.replaceChildren(form);
    this.showErrors();
  }

  head(view) {
    const close = iconButton("close", "Close", () => this.close());
    return h("div", { class: "dialog-head" }, h("h2", { id: "view-title" }, plain(view.title.text)), close);
  }

  foot(view) {
    const cancel = h("button", { type: "button", class: "button", onclick: () => this.close() }, plain(view.close?.text ?? "Cancel"));
    this.send = view.submit && h("button", { type: "submit", class: "button primary" }, plain(view.submit.text));
    return h("div", { class: "dialog-foot" }, cancel, this.send);
  }

  input(block, context) {
    const onchange = (changed, value) => this.note(changed, value);
    const box = inputBlock(block, { state: this.view.state.values, context, onchange });
    box.addEventListener("input", () => this.unsent.set(block.block_id, box));
    this.inputs.push(box);
    return box;
  }

  /** Tell the sandbox at once, so that the app sees it in the state, and another view keeps it. */
  note(block, value) {
    if (shown !== this) return; // a field that loses the focus because its form is gone
    this.unsent.delete(block.block_id);
    this.queue("fill", { values: { [block.block_id]: value } });
  }

  queue(verb, args) {
    this.sending = this.sending.then(() => act(this.me, verb, args)).catch((error) => this.warn(error));
    return this.sending;
  }

  warn(error) {
    if (shown === this) this.banner.textContent = error.message;
  }

  async click(block, element, value) {
    const args = { action_id: element.action_id, block_id: block.block_id };
    await this.queue("click", value === undefined ? args : { ...args, value });
  }

  async submit(event) {
    event.preventDefault();
    if (!this.send || this.send.getAttribute("aria-busy")) return;
    this.send.setAttribute("aria-busy", "true");
    const values = Object.fromEntries([...this.unsent].map(([id, box]) => [id, box.read()]));
    this.unsent.clear();
    const outcome = await this.queue("submit", { values });
    this.send.removeAttribute("aria-busy");
    if (outcome?.errors) this.showErrors(outcome.errors, { focus: true });
  }

  showErrors(errors = this.view.errors, { focus = false } = {}) {
    this.banner.textContent = errors[""] ?? "";
    for (const box of this.inputs) showError(box, errors[box.dataset.block]);
    const wrong = this.inputs.find((box) => errors[box.dataset.block]);
    if (focus && wrong) {
      target(wrong.field).focus();
      wrong.scrollIntoView({ block: "nearest" });
    }
  }

  /** The same view, as the sandbox has it now. */
  refresh(view, names) {
    this.names = names;
    if (view.hash !== this.view.hash) {
      this.unsent.clear();
      this.draw(view);
      for (const area of this.dialog.querySelectorAll("textarea")) grow(area);
      this.focusFirst();
      return;
    }
    const isNews = JSON.stringify(view.errors) !== JSON.stringify(this.view.errors);
    this.view = view;
    if (isNews) this.showErrors();
  }

  focusFirst() {
    const first = this.inputs[0] ? target(this.inputs[0].field) : this.dialog.querySelector(".dialog-foot button:last-child");
    first?.focus();
  }

  cancel(event) {
    event.preventDefault();
    this.close();
  }

  async close() {
    try {
      await act(this.me, "close_view");
    } catch (error) {
      toast(error.message);
    }
  }

  leave() {
    shown = null;
    this.dialog.close();
  }
}
