// The thread beside the conversation.

import { Composer } from "./composer.js";
import { h, iconButton } from "./dom.js";
import { Log } from "./messages.js";
import { go } from "./place.js";

/** A thread on the screen; Escape closes it. */
export class Thread {
  constructor({ screen, here }) {
    const room = { me: screen.me.id, channel: here.channel, thread: here.thread };
    const channel = screen.channels.find((each) => each.id === here.channel);
    const name = channel.kind === "im" ? channel.name : `#${channel.name}`;
    this.log = new Log("Thread", { ...room, inThread: true });
    const onup = () => this.log.editLast(this.messages);
    this.composer = new Composer(room, { label: "Reply", onup });
    const title = h("h2", {}, "Thread ", h("span", { class: "quiet" }, name));
    const close = iconButton("close", "Close thread", leave);
    const canWrite = channel.members.includes(room.me) && !channel.is_archived;
    this.status = h("p", { class: "status quiet", role: "status" });
    const foot = h("div", { class: "room-foot" }, this.status, canWrite && this.composer.node);
    this.node = h("div", { class: "room" }, h("div", { class: "room-head" }, h("div", { class: "heading-row" }, title, close)), this.log.node, foot);
    this.node.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) leave();
    });
  }

  focus() {
    if (matchMedia("(pointer: fine)").matches) this.composer.area.focus();
  }

  update(frame) {
    this.messages = frame.screen.thread?.messages ?? [];
    this.log.show(this.messages, frame);
    const status = this.messages[0]?.status;
    this.status.textContent = status ? `${frame.screen.bot.name} ${status}` : "";
    this.composer.update(frame.screen);
  }
}

function leave() {
  go({ thread: "" });
  document.querySelector("#composer")?.focus();
}
