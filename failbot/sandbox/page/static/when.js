// Times as the person's own wall clock shows them.

const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  }
  return formats.get(key);
}

const dateOf = (ts) => new Date(Number(ts) * 1000);
const DAY = { weekday: "long", day: "numeric", month: "long" };
const TIME = { hour: "2-digit", minute: "2-digit" };

/** 09:41 */
export const time = (ts, zone) => format(zone, TIME).format(dateOf(ts));

/** Today, Yesterday, or Monday, 23 November. */
export function day(ts, zone, now) {
  const whole = format(zone, DAY);
  const name = whole.format(dateOf(ts));
  if (name === whole.format(now)) return "Today";
  return name === whole.format(new Date(now - 86_400_000)) ? "Yesterday" : name;
}

/** Monday, 23 November at 09:41, for titles. */
export const full = (ts, zone) => `${format(zone, DAY).format(dateOf(ts))} at ${time(ts, zone)}`;

/** Mon 23 Nov, 09:41 */
export const clock = (now, zone) =>
  format(zone, { weekday: "short", day: "numeric", month: "short", ...TIME }).format(now);

/** The wall clock as an input of type datetime-local has it: 2026-11-23T09:41. */
export function local(date, zone) {
  const iso = { year: "numeric", month: "2-digit", day: "2-digit", hourCycle: "h23", ...TIME };
  const parts = Object.fromEntries(
    format(zone, iso).formatToParts(date).map((part) => [part.type, part.value]),
  );
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

/** The next Monday 09:00 on the wall clock that shows `wall`. */
export function nextMonday(wall) {
  const date = new Date(`${wall}Z`);
  const days = (8 - date.getUTCDay()) % 7;
  const isOver = days === 0 && wall.slice(11) >= "09:00";
  date.setUTCDate(date.getUTCDate() + (isOver ? 7 : days));
  return `${date.toISOString().slice(0, 10)}T09:00`;
}

/** The wall clock some minutes on. */
export function later(wall, minutes) {
  const date = new Date(new Date(`${wall}Z`).getTime() + minutes * 60_000);
  return date.toISOString().slice(0, 16);
}
