// People and channels of the screen, by id: their names, mentions and avatars.

import { h } from "./dom.js";
import { outside } from "./mrkdwn.js";
import { address, ofPermalink } from "./place.js";

const COLOURS = 8;

/** Looks ids up on a screen; made anew with each. */
export class Names {
  constructor(screen, me) {
    this.me = me;
    this.bot = screen.bot;
    this.domain = screen.workspace.domain;
    this.team = screen.workspace.id;
    this.people = new Map(screen.people.map((person) => [person.id, person]));
    this.channels = new Map(screen.channels.map((channel) => [channel.id, channel]));
  }

  /** The full name of a person, or the id of someone unknown. */
  nameOf(userId) {
    return this.people.get(userId)?.real_name || userId || "Slack";
  }

  /** "guest" or "another company" for whoever is no member of the workspace, else "". */
  standing(userId) {
    const known = this.people.get(userId);
    if (!known) return "";
    if (known.team_id !== this.team) return "another company";
    return known.is_restricted || known.is_ultra_restricted ? "guest" : "";
  }

  /** The standing as a badge, or nothing. */
  badge(userId) {
    const standing = this.standing(userId);
    return standing && h("span", { class: "badge is-outside" }, standing);
  }

  person(userId) {
    const known = this.people.get(userId);
    const isMe = userId === this.me;
    const shown = known ? known.name : userId;
    const title = known ? known.real_name : "nobody of this workspace";
    return h("span", { class: isMe ? "mention is-me" : "mention", title }, `@${shown}`);
  }

  channel(channelId, label) {
    const known = this.channels.get(channelId);
    if (!known) return h("span", { class: "mention" }, label ? `#${label}` : "a private channel");
    const href = address({ as: this.me, channel: channelId });
    return h("a", { class: "mention", href }, `#${known.name}`);
  }

  /** A link; one to a message of this workspace leads to it on the page. */
  link(url, label) {
    const place = ofPermalink(url, this.domain);
    if (!place) return outside(url, label);
    return h("a", { href: address({ as: this.me, ...place }), class: "to-message" }, label);
  }

  avatar(userId, size = "") {
    const isBot = userId === this.bot.user_id;
    const colour = isBot ? "bot" : [...(userId || "?")].reduce((n, c) => n + c.charCodeAt(0), 0) % COLOURS;
    const attributes = { class: `avatar ${size} colour-${colour}`, "aria-hidden": "true" };
    return h("span", attributes, isBot ? "fb" : initials(this.nameOf(userId)));
  }
}

function initials(name) {
  const parts = name.split(/\s+/).filter(Boolean);
  const letters = parts.length > 1 ? [parts[0], parts.at(-1)] : parts;
  return letters.map((part) => [...part][0]).join("").toUpperCase();
}
