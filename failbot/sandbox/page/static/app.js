// The window: asks the sandbox what it shows, again and again, and draws it.

import { fetchScreen } from "./api.js";
import { Conversation, tipChip } from "./conversation.js";
import { openDialog, toast } from "./dialog.js";
import { h } from "./dom.js";
import { Home } from "./home.js";
import { Names } from "./names.js";
import { current, go } from "./place.js";
import { markRead, startReading } from "./read.js";
import { showSidebar } from "./sidebar.js";
import { Thread } from "./thread.js";
import { showTop } from "./top.js";
import { showView } from "./view.js";

const HOME = "home";
const RETRY_MS = 1000;
const find = (selector) => document.querySelector(selector);
const regions = { top: find(".top"), side: find("#side"), main: find("#main"), thread: find("#thread") };

/** The window's state; the place is in the address. */
class Window {
  constructor() {
    this.screen = null;
    this.room = null;
    this.thread = null;
    this.told = new Map(); // user id -> notices that were shown
    this.abort = new AbortController();
    addEventListener("hashchange", () => this.moved());
    addEventListener("focus", () => this.screen && this.draw());
  }

  /** Ask for changes for ever. */
  async run() {
    for (;;) {
      const screen = await this.answer();
      try {
        if (screen) this.take(screen);
      } catch (error) {
        reportError(error); // the next change may be drawn all the same
      }
    }
  }

  /** The next screen; null if it is no longer wanted, or does not come. */
  async answer() {
    try {
      const screen = await this.ask();
      this.online(true);
      return screen;
    } catch (error) {
      if (error.name === "AbortError") return null;
      this.online(false);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      return null;
    }
  }

  ask() {
    const { as, channel, thread } = current();
    const look = { as, channel: channel === HOME ? "" : channel, thread };
    this.abort = new AbortController();
    const after = this.isMoved || !this.screen ? -1 : this.screen.version;
    this.isMoved = false;
    return fetchScreen(look, after, this.abort.signal);
  }

  /** Another place: what the poll would answer is no longer wanted. */
  moved() {
    this.isMoved = true;
    document.body.classList.remove("shows-side");
    this.abort.abort();
  }

  take(screen) {
    this.screen = screen;
    this.lag = new Date(screen.now) - Date.now();
    startReading(this.now().getTime());
    if (this.settle(screen)) this.draw();
  }

  now() {
    return new Date(Date.now() + this.lag);
  }

  /** Whether the place in the address is one on this screen; else goes to the nearest that is. */
  settle(screen) {
    const here = current();
    const sees = (id) => id === HOME || screen.channels.some((channel) => channel.id === id);
    const isLost = here.channel && !sees(here.channel);
    if (isLost && here.as === screen.me.id) toast(`${screen.me.real_name} does not see that channel.`);
    if (here.as !== screen.me.id || !here.channel || isLost) {
      const first = screen.channels.find((channel) => channel.is_member) ?? screen.channels[0];
      go({ as: screen.me.id, channel: sees(here.channel) ? here.channel || first.id : first.id }, { replace: true });
      return false;
    }
    if (here.thread && !screen.thread) {
      go({ thread: "" }, { replace: true });
      return false;
    }
    // The answer to a question asked before the place changed.
    const shown = screen.channel?.id ?? HOME;
    return shown === here.channel && (screen.thread?.thread_ts ?? "") === here.thread;
  }

  draw() {
    const { screen } = this;
    const here = current();
    const names = new Names(screen, screen.me.id);
    const frame = { screen, here, names, now: this.now() };
    if (document.hasFocus()) this.read(screen, here);
    showTop(regions.top, screen, { names, now: () => this.now(), tips: () => this.showTips() });
    showSidebar(regions.side, screen, here);
    this.showRoom(frame);
    this.showThread(frame);
    if (here.message) this.flash(here);
    showView(screen, screen.me.id, names);
    this.tell(screen);
    const channel = screen.channels.find((each) => each.id === here.channel);
    document.title = `${channel ? channel.name : screen.bot.name} - ${screen.workspace.name}`;
  }

  read(screen, here) {
    const channel = screen.channels.find((each) => each.id === here.channel);
    if (channel?.latest) markRead(screen.me.id, channel.id, channel.latest);
  }

  showRoom(frame) {
    const { screen, here } = frame;
    const channel = screen.channels.find((each) => each.id === here.channel);
    const key = [screen.me.id, here.channel, channel?.is_member, channel?.is_archived].join(" ");
    if (this.room?.key !== key) {
      this.room = here.channel === HOME ? new Home(frame) : new Conversation(channel, frame);
      this.room.key = key;
      regions.main.replaceChildren(this.room.node);
      this.room.update(frame);
      if (this.mayFocus() && !here.thread) this.room.focus();
    } else this.room.update(frame);
  }

  showThread(frame) {
    const { screen, here } = frame;
    const key = here.thread && [screen.me.id, here.channel, here.thread].join(" ");
    if ((this.thread?.key ?? "") !== key) {
      this.thread = key ? Object.assign(new Thread(frame), { key }) : null;
      regions.thread.replaceChildren(this.thread?.node ?? "");
      regions.thread.hidden = !key;
      document.body.classList.toggle("shows-thread", Boolean(key));
      this.thread?.update(frame);
      if (this.mayFocus()) this.thread?.focus();
    } else this.thread?.update(frame);
  }

  /** The focus is not taken from the switch of persons or an open dialog. */
  mayFocus() {
    const at = document.activeElement;
    return !regions.top.contains(at) && !at?.closest("dialog");
  }

  flash(here) {
    const log = here.thread ? this.thread?.log : this.room.log;
    if (!log?.flash(here.message)) toast("That message is no longer there.");
    go({ message: "", thread: here.thread, channel: here.channel }, { replace: true });
  }

  /** What Slack itself says to this person, once. */
  tell(screen) {
    const known = this.told.get(screen.me.id) ?? screen.notices.length;
    for (const notice of screen.notices.slice(known)) toast(notice.text, { kind: "is-wrong" });
    this.told.set(screen.me.id, screen.notices.length);
  }

  showTips() {
    const { tips } = this.screen;
    const fill = (text) => {
      dialog.close();
      this.room.composer?.fill(text);
    };
    const words = "This is a sandbox: a small Slack on your machine with the real bot in it. Be Ada, Ben or Cleo with the faces on top. A click puts one of these into the message box:";
    const dialog = openDialog("Things to try", [h("p", {}, words), h("div", { class: "tip-list" }, tips.map((tip) => tipChip(tip, fill)))], { kind: "narrow" });
  }

  online(isOnline) {
    document.body.classList.toggle("is-offline", !isOnline);
  }
}

// The address is the place's: a jump inside the page must not change it.
find(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  (find("#composer") ?? regions.main).focus();
});
new Window().run();
