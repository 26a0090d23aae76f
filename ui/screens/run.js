import { useAnswer } from '../answer.js';
import { Problem } from '../api.js';
import { duration, time } from '../format.js';
import { html, useState } from '../html.js';
import { ProblemNote } from '../parts/problem.js';
import { Status } from '../parts/status.js';
import { goTo, linkTo } from '../router.js';
import { RunActions } from '../run/actions.js';
import { Legend } from '../run/legend.js';
import { RunPanel, SubTaskPanel } from '../run/panel.js';
import { endOf, isOver } from '../run/race.js';
import { RaceTable } from '../run/race-table.js';
import { StreamText } from '../run/shown-stream.js';
import { useNow } from '../run/use-now.js';
import { useRun } from '../run/use-run.js';
import { Waterfall } from '../run/waterfall.js';

/** @typedef {import('../run/race.js').Race} Race */

/** The reply comes so early that the way to it is worth a look of its own. */
const EARLY = 8;

/** @param {{ id: string, query: URLSearchParams }} props */
export function RunScreen({ id, query }) {
  const { race, isSetAside, dead, webhooks, connection, error, again } = useRun(id);
  const [time, setScale] = useNow(race !== undefined && !isOver(race) && !isSetAside);
  const [isToReply, setToReply] = useState(false);
  const chosen = query.get('panel') ?? undefined;
  // The run is shown without: its task may be gone.
  const task = useAnswer(race && chosen ? `/tasks/${encodeURIComponent(race.task)}` : undefined);
  if (!race)
    return html`<h1>Run</h1>
      ${error ? html`<${Missing} ...${{ id, error, again }} />` : html`<p class="soft">Loading…</p>`}`;

  const now = isOver(race) || isSetAside ? race.last : Math.max(time - race.start, race.last);
  const lane = race.lanes.find(({ name }) => name === chosen);
  const declared = task.value?.subTasks.find((/** @type {any} */ { name }) => name === chosen);
  const select = (/** @type {string | undefined} */ panel) =>
    goTo(['runs', id], { panel: panel === chosen ? undefined : panel });
  const isEarly = race.repliedAt !== undefined && endOf(race, now) > EARLY * race.repliedAt;
  return html`
    <div class="run-head">
      <h1><a href=${linkTo(['tasks', race.task])}>${race.task}</a></h1>
      <${Status} of=${isSetAside ? 'set-aside' : race.status} />
      <span class="run-connection soft" role="status"
        >${connection === 'waiting' ? 'reconnecting…' : ''}</span
      >
      <${RunActions} ...${{ id, race, isSetAside }} onDone=${again} />
    </div>
    <p class="run-facts"><${Facts} race=${race} /></p>
    ${error !== undefined && html`<${ProblemNote} error=${error} onRetry=${again} />`}
    ${
      isSetAside &&
      html`<p class="run-note">
        The service has set this run aside: several starts or nodes in a row died after they had resumed it.
        Resume lets it go on.
      </p>`
    }
    ${
      dead.length > 0 &&
      !isOver(race) &&
      html`<p class="run-note">
        ${dead.join(', ')} ${dead.length === 1 ? 'waits' : 'wait'} among the${' '}
        <a href=${linkTo(['nodes'])}>dead letters</a>: too many nodes died of it, or it could not be
        delivered. Redrive lets it go on, and Cancel ends the run.
      </p>`
    }
    ${race.shown && !(race.reply && 'answeredBy' in race.reply) && html`<${StreamText} shown=${race.shown} />`}
    <div class="run-body">
      <section class="card run-race" aria-label="The race">
        ${isEarly && html`<${Zoom} isOn=${isToReply} onChange=${setToReply} />`}
        <${Waterfall}
          ...${{ race, now, selected: chosen, onSelect: select, onScale: setScale }}
          upTo=${isEarly && isToReply ? (race.repliedAt ?? 0) * 1.5 : undefined}
        />
        <${Legend} race=${race} />
        <${RaceTable} race=${race} />
      </section>
      <aside class="card run-panel" aria-label=${lane ? `Sub-task ${lane.name}` : 'The run'}>
        ${
          lane
            ? html`<${SubTaskPanel}
                key=${lane.name}
                ...${{ id, race, lane, now, target: declared?.target }}
                onClose=${() => select(undefined)}
                onRetried=${again}
              />`
            : html`<${RunPanel} ...${{ id, race, webhooks }} />`
        }
      </aside>
    </div>
  `;
}

/** The story of the run in a line. @param {{ race: Race }} props */
function Facts({ race }) {
  const { reply, repliedAt, lanes, finishedAt } = race;
  const open = lanes
    .filter(({ status }) => /^(pending|running|retrying)$/.test(status))
    .map(({ name }) => name);
  const told = !reply
    ? `no reply yet, ${open.length} of ${lanes.length} sub-tasks unfinished`
    : 'error' in reply
      ? `the reply is an error after ${duration(repliedAt)}: ${reply.error.code}`
      : html`answered by <strong>${[reply.answeredBy].flat().join(', ')}</strong>${' in '}<strong
            >${duration(repliedAt)}</strong
          >`;
  const rest =
    finishedAt !== undefined
      ? `all ended after ${duration(finishedAt)}`
      : reply && open.length > 0
        ? `in the background: ${open.join(', ')}`
        : '';
  return html`${told}${rest && html` · ${rest}`} · <span class="soft">created ${time(race.start)}</span>`;
}

/** @param {{ isOn: boolean, onChange: (isOn: boolean) => void }} props */
function Zoom({ isOn, onChange }) {
  return html`<div class="race-zoom" role="group" aria-label="The time that is shown">
    <button type="button" aria-pressed=${!isOn} onClick=${() => onChange(false)}>Whole run</button>
    <button type="button" aria-pressed=${isOn} onClick=${() => onChange(true)}>Up to the reply</button>
  </div>`;
}

/** @param {{ id: string, error: unknown, again: () => void }} props */
function Missing({ id, error, again }) {
  if (!(error instanceof Problem) || error.status !== 404)
    return html`<${ProblemNote} error=${error} onRetry=${again} />`;
  return html`<div class="card">
    <p>
      There is no run <code>${id}</code> here. It was erased, or is kept no more, or belongs to another
      service or key.
    </p>
    <p><a href=${linkTo(['runs'])}>See the runs</a></p>
  </div>`;
}
