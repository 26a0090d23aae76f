let lastMs = 0;
let lastText = '';

/** A time in milliseconds as an RFC 3339 text in UTC. Written out once a millisecond: every event asks for it. */
export function timeText(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = new Date(ms).toISOString();
  }
  return lastText;
}
