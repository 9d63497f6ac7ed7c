// The app's Home tab.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { tabs } from "./conversation.js";
import { toast } from "./dialog.js";
import { h, keep } from "./dom.js";
import { inputBlock } from "./inputs.js";

/** The Home tab on the screen; opening it tells the app, as Slack does. */
export class Home {
  constructor(frame) {
    this.me = frame.screen.me.id;
    const { bot } = frame.screen;
    const title = h("h2", {}, frame.names.avatar(bot.user_id, "small"), h("span", {}, bot.name), h("span", { class: "badge" }, "APP"));
    const head = h("div", { class: "room-head" }, h("div", { class: "heading-row" }, title, tabs(frame, "home")));
    this.body = h("div", { class: "home" });
    this.node = h("section", { class: "room", "aria-label": `Home of ${bot.name}` }, head, h("div", { class: "scroll" }, this.body));
    this.do("open_home", {});
  }

  focus() {}

  update({ screen, names }) {
    const empty = { id: "none", hash: "", blocks: [{ type: "section", text: { type: "plain_text", text: `${screen.bot.name} has not published its Home tab yet.` } }], state: { values: {} } };
    const view = screen.home ?? empty;
    const context = {
      names,
      act: (block, element, value) => this.do("click", { action_id: element.action_id, block_id: block.block_id, value }),
    };
    context.input = (block) => inputBlock(block, { state: view.state.values, context, onchange: () => {} });
    keep(this.body, [{ id: view.id, hash: view.hash }], { key: (item) => item.id, build: () => h("div", { class: "home-view" }, blocks(view.blocks, context)) });
  }

  async do(verb, args) {
    try {
      await act(this.me, verb, args);
    } catch (error) {
      toast(error.message, { kind: "is-wrong" });
    }
  }
}
