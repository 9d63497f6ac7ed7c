// How far each person has read each conversation, in this window.

const START = "read since";
const key = (userId, channelId) => `read ${userId} ${channelId}`;

/** From now on, unless the window has been reloaded, what comes is unread. */
export function startReading(now) {
  if (!sessionStorage.getItem(START)) sessionStorage.setItem(START, String(now / 1000));
}

/** Whether a message of this ts is later than what the person has read of the channel. */
export function isUnread(userId, channelId, ts) {
  const read = sessionStorage.getItem(key(userId, channelId)) ?? sessionStorage.getItem(START);
  return Number(ts ?? 0) > Number(read ?? 0);
}

/** All messages up to this ts have been seen. */
export function markRead(userId, channelId, ts) {
  const name = key(userId, channelId);
  if (Number(ts) > Number(sessionStorage.getItem(name) ?? 0)) sessionStorage.setItem(name, ts);
}
