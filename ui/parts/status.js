import { html } from '../html.js';

const CLOCK = 'M8 4.4V8l2.4 1.6';
const GOOD = 'M3.6 8.4l3 3 5.8-6.6';
const BAD = 'M4.2 4.2l7.6 7.6M11.8 4.2l-7.6 7.6';
const HELD = 'M5.6 4v8M10.4 4v8';

/** An icon for each status of runs, sub-tasks, webhooks and deliveries: nobody needs to tell colours apart. */
const ICONS = /** @type {Record<string, string>} */ ({
  pending: CLOCK,
  running: 'M6 4.2v7.6l6-3.8z',
  retrying: 'M12.3 8a4.3 4.3 0 1 1-1.3-3.1M11.4 2.2v2.9H8.5',
  succeeded: GOOD,
  'partly-failed': 'M8 3.4v5.4M8 11.6v.6',
  failed: BAD,
  cancelled: 'M3.6 8h8.8',
  skipped: 'M4 4.4L7.6 8 4 11.6M8.4 4.4L12 8l-3.6 3.6',
  'set-aside': HELD,
  active: GOOD,
  paused: HELD,
  waiting: CLOCK,
  delivered: GOOD,
  dead: BAD,
});

/** The status of a run, a sub-task, a webhook or a delivery. @param {{ of: string }} props */
export function Status({ of: status }) {
  return html`<span class="status status-${status}"
    ><svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d=${ICONS[status] ?? ''} /></svg
    >${status}</span
  >`;
}
