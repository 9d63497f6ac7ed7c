// Requests to the sandbox: what a window shows, and what its person does.

export class SandboxError extends Error {}

async function post(path, body, signal) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  const answer = await response.json();
  if (!answer.ok) throw new SandboxError(answer.error);
  return answer.result;
}

/** The screen once its version differs from `after`. */
export const fetchScreen = (look, after, signal) => post("/page/screen", { ...look, after }, signal);

/** Move the clock to a local time, such as 2026-11-23T09:00, where the person lives. */
export const travel = (userId, local) => post("/page/travel", { as: userId, local });

/** Do something as a person: `act("U1", "say", {channel_id, text})`. */
export const act = (userId, verb, args = {}) => post(`/control/${verb}`, { as: userId, ...args });
