// The bar on top: who one is, what time it is, what to try.

import { travel } from "./api.js";
import { openDialog, toast } from "./dialog.js";
import { freshId, h, icon, iconButton, keep } from "./dom.js";
import { go } from "./place.js";
import * as when from "./when.js";

/** Draw the bar. */
export function showTop(header, screen, { names, now, tips }) {
  if (!header.people) build(header, tips);
  header.screen = screen;
  header.now = now;
  const me = screen.me.id;
  const items = screen.sign_in.map((id) => ({ id, name: names.nameOf(id), traits: names.standing(id) || (names.people.get(id).is_admin ? "admin" : ""), isMe: id === me }));
  keep(header.people, items, { key: (item) => item.id, build: (item) => person(item, names) });
  showClock(header);
}

function build(header, tips) {
  const toggle = iconButton("menu", "Channels", () => document.body.classList.toggle("shows-side"), { class: "icon-button side-toggle" });
  header.people = h("div", { class: "people", role: "radiogroup", "aria-label": "You are" });
  header.people.addEventListener("keydown", (event) => arrow(event, header));
  header.clock = h("button", { type: "button", class: "clock", onclick: () => openClock(header) });
  const hint = iconButton("bulb", "Things to try", tips, { class: "icon-button tips-button" });
  header.append(toggle, h("span", { class: "brand" }, "sandbox"), header.people, header.clock, hint);
  setInterval(() => showClock(header), 5000);
}

function person({ id, name, traits: words, isMe }, names) {
  const attributes = {
    type: "button",
    role: "radio",
    class: "person",
    title: words ? `${name} (${words})` : name,
    "aria-checked": String(isMe),
    tabindex: isMe ? "0" : "-1",
    dataset: { focus: id, person: id },
  };
  const label = [h("span", { class: "person-name" }, name.split(" ")[0]), words && h("span", { class: "visually-hidden" }, `, ${words}`)];
  return h("button", { ...attributes, onclick: () => become(id) }, names.avatar(id, "small"), label);
}

/** Be someone else, in the same channel if they see it. */
function become(id) {
  go({ as: id });
}

function arrow(event, header) {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const nodes = [...header.people.children];
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  const at = nodes.indexOf(document.activeElement);
  const next = nodes[(at + step + nodes.length) % nodes.length];
  next.focus();
  next.click();
}

function showClock(header) {
  const zone = header.screen.me.tz;
  const words = when.clock(header.now(), zone);
  if (header.clock.dataset.shown === words + zone) return;
  header.clock.dataset.shown = words + zone;
  header.clock.setAttribute("aria-label", `It is ${words}, ${zone}. Travel in time`);
  header.clock.title = `${zone}; travel in time`;
  header.clock.replaceChildren(icon("clock"), h("span", {}, words));
}

function openClock(header) {
  const { me } = header.screen;
  const wall = when.local(header.now(), me.tz);
  const id = freshId("moment");
  const input = h("input", { id, type: "datetime-local", class: "text-field", value: when.nextMonday(wall), min: wall });
  const error = h("p", { class: "error", role: "alert" });
  const leave = async (moment) => {
    try {
      const now = new Date(await travel(me.id, moment));
      dialog.close();
      toast(`It is now ${when.clock(now, me.tz)}.`);
    } catch (problem) {
      error.textContent = problem.message;
    }
  };
  const jump = (label, moment) => h("button", { type: "button", class: "button", onclick: () => leave(moment) }, label);
  const quick = [
    jump("Make it Monday 09:00", when.nextMonday(wall)),
    jump("One hour later", when.later(wall, 60)),
    jump("Tomorrow", when.later(wall, 24 * 60)),
  ];
  const form = h("form", { class: "travel" }, h("label", { for: id, class: "label" }, `Or choose a moment (${me.tz})`), h("div", { class: "travel-row" }, input, h("button", { type: "submit", class: "button primary" }, "Go there")), error);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value) leave(input.value);
  });
  const intro = "Slack's clock and failbot's go on to that moment, and what becomes due happens: the weekly digest, for one.";
  const dialog = openDialog("Travel in time", [h("p", {}, intro), h("div", { class: "actions" }, quick), form], { kind: "narrow" });
  quick[0].focus();
}
