import { useAnswer } from '../answer.js';
import { Problem } from '../api.js';
import { bytes, duration } from '../format.js';
import { html } from '../html.js';

const KINDS = /** @type {Record<string, string>} */ ({
  memory: 'memory: nothing survives a stop',
  sqlite: 'SQLite',
  postgres: 'Postgres',
});

/** @param {{ journal: any, everyMs: number }} props */
export function JournalCard({ journal, everyMs }) {
  const { kind, pendingEvents, commitMs, fileBytes } = journal;
  const ready = useAnswer('/health/ready', everyMs);
  return html`<section class="card" aria-labelledby="nodes-journal">
    <h2 id="nodes-journal">Journal</h2>
    <dl class="terms">
      <dt>Kind</dt>
      <dd>${KINDS[kind] ?? kind}</dd>
      <dt>Takes runs</dt>
      <dd class=${ready.error ? 'bad' : ''}>
        ${ready.error instanceof Problem ? `no: ${ready.error.message}` : ready.error ? 'not known' : 'yes'}
      </dd>
      <dt>Events to commit</dt>
      <dd>${pendingEvents.toLocaleString()}</dd>
      <dt>Commit time</dt>
      <dd>
        ${
          commitMs.count === 0
            ? 'no commit yet'
            : `${duration(commitMs.p50)} · ${duration(commitMs.p90)} · ${duration(commitMs.p99)}`
        }
        ${commitMs.count > 0 && html`<span class="soft"> p50 · p90 · p99</span>`}
      </dd>
      ${
        fileBytes !== null &&
        html`<dt>File size</dt>
          <dd>${bytes(fileBytes)}</dd>`
      }
    </dl>
  </section>`;
}
