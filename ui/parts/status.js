import { html } from '../html.js';

/** An icon for each status of runs and sub-tasks: nobody needs to tell colours apart. */
const ICONS = /** @type {Record<string, string>} */ ({
  pending: 'M8 4.4V8l2.4 1.6',
  running: 'M6 4.2v7.6l6-3.8z',
  retrying: 'M12.3 8a4.3 4.3 0 1 1-1.3-3.1M11.4 2.2v2.9H8.5',
  succeeded: 'M3.6 8.4l3 3 5.8-6.6',
  'partly-failed': 'M8 3.4v5.4M8 11.6v.6',
  failed: 'M4.2 4.2l7.6 7.6M11.8 4.2l-7.6 7.6',
  cancelled: 'M3.6 8h8.8',
  skipped: 'M4 4.4L7.6 8 4 11.6M8.4 4.4L12 8l-3.6 3.6',
  'set-aside': 'M5.6 4v8M10.4 4v8',
});

/** The status of a run or a sub-task. @param {{ of: string }} props */
export function Status({ of: status }) {
  return html`<span class="status status-${status}"
    ><svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d=${ICONS[status] ?? ''} /></svg
    >${status}</span
  >`;
}
