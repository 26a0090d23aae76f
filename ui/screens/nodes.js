import { useAnswer } from '../answer.js';
import { html } from '../html.js';
import { Breakers } from '../nodes/breakers.js';
import { DeadLetters } from '../nodes/dead-letters.js';
import { JournalCard } from '../nodes/journal-card.js';
import { NodeCard } from '../nodes/node-card.js';
import { QueueCard } from '../nodes/queue-card.js';
import { ProblemNote } from '../parts/problem.js';
import { missingScope, useSession } from '../session.js';

/** How often the nodes are asked for while the tab is in sight, in milliseconds. */
const EVERY_MS = 2_000;

export function NodesScreen() {
  const nodes = useAnswer('/nodes', EVERY_MS);
  const queue = useAnswer('/queue', EVERY_MS);
  const dead = queue.value?.dead ?? 0;
  const letters = useAnswer(dead > 0 ? '/queue/dead-letters?limit=100' : undefined, EVERY_MS);
  const breakers = useAnswer('/breakers', EVERY_MS);
  const why = missingScope(useSession(), 'admin');
  const error = nodes.error ?? queue.error;
  const journal = nodes.value?.journal;
  const areMany = journal?.kind === 'postgres';
  return html`<h1>Nodes</h1>
    ${error && html`<${ProblemNote} error=${error} />`}
    ${error && nodes.value && html`<p class="soft">What is below is what was known last. The page goes on asking.</p>`}
    <ul class="nodes">
      ${nodes.value?.nodes.map(
        (/** @type {any} */ node) =>
          html`<${NodeCard}
            key=${node.id}
            node=${node}
            canDrain=${areMany}
            why=${why}
            onChange=${nodes.again}
          />`,
      )}
    </ul>
    <div class="nodes-pair">
      ${queue.value && html`<${QueueCard} queue=${queue.value} areMany=${areMany} />`}
      ${journal && html`<${JournalCard} journal=${journal} everyMs=${EVERY_MS} />`}
    </div>
    <${Breakers} breakers=${breakers.value?.breakers ?? []} why=${why} onChange=${breakers.again} />
    ${
      areMany &&
      html`<${DeadLetters}
        dead=${dead}
        letters=${letters.value?.deadLetters ?? []}
        why=${why}
        onChange=${queue.again}
      />`
    }`;
}
