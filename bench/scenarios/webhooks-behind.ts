import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { service } from '../servers/servers.ts';
import { plant } from '../support/planting.ts';
import { cpuMicroseconds, peakResidentBytes } from '../support/process-usage.ts';
import { subscribe } from '../support/receivers.ts';
import type { Received } from '../support/receivers-protocol.ts';
import { ServerProcess } from '../support/server-process.ts';
import { FAST } from '../support/turn.ts';
import { EVENTS_OF_RUN, type CatchUp } from './webhooks-figures.ts';
import type { WebhooksParts } from './webhooks-load.ts';

/** Of a run of the demo: started, replied, finished, and two of each of three sub-tasks. */
const TYPES = ['run.started', 'sub-task.started', 'sub-task.succeeded', 'run.replied', 'run.finished'];
const ALL_EVENTS_OF_RUN = 9;

/** Between two looks at what has come; ms. */
const LOOK = 250;

/** Gives up when nothing has come for so long; ms. */
const PATIENCE = 30_000;

/** A webhook that is told of every event, and one of the two that end a run, each with all of them behind its cursor. */
export async function measureCatchUps(parts: WebhooksParts): Promise<CatchUp[]> {
  return [await catchUp(parts, 'all'), await catchUp(parts, 'two')];
}

async function catchUp(
  { stage, options, directory, cores, receivers }: WebhooksParts,
  types: CatchUp['types'],
): Promise<CatchUp> {
  const file = path.join(directory, `behind-${types}.db`);
  const spec = await receivers.allowedBy(service(options.service, file));
  const runs = Math.ceil(options.events / ALL_EVENTS_OF_RUN);
  const before = await ServerProcess.start(stage, spec, { core: undefined, timeScale: FAST });
  await subscribe(before, {
    url: await receivers.live(`behind-${types}`),
    ...(types === 'all' && { events: TYPES }),
  });
  await before.stop();
  await plant(stage, file, { runs, finished: true, spanMs: 3_600_000 });

  await receivers.lap();
  const server = await ServerProcess.start(stage, spec, {
    core: cores.server,
    timeScale: FAST,
    tryOut: false,
  });
  const cpu = cpuMicroseconds(server.pid);
  stage.say(
    `Catching up with ${runs * ALL_EVENTS_OF_RUN} events, ${types === 'all' ? 'each' : 'two in nine'} delivered`,
  );
  const due = runs * (types === 'all' ? ALL_EVENTS_OF_RUN : EVENTS_OF_RUN);
  const received = await receive(due);
  const measured = {
    types,
    events: runs * ALL_EVENTS_OF_RUN,
    received,
    seconds: (received.lastAt - server.ready.at) / 1000,
    cpuMicroseconds: cpuMicroseconds(server.pid) - cpu,
    peakBytes: peakResidentBytes(server.pid),
  };
  await server.stop();
  return measured;

  /** Waits until so many have come. */
  async function receive(due: number): Promise<Received> {
    let sum = await receivers.lap();
    let progressAt = Date.now();
    while (sum.deliveries - sum.repeated < due) {
      await sleep(LOOK, undefined, { signal: stage.signal });
      const more = await receivers.lap();
      if (more.deliveries > 0) progressAt = Date.now();
      if (Date.now() - progressAt > PATIENCE)
        throw new Error(
          `Of ${due} events ${sum.deliveries - sum.repeated} were delivered, and no more come.`,
        );
      sum = {
        ...more,
        deliveries: sum.deliveries + more.deliveries,
        repeated: sum.repeated + more.repeated,
        wrongSignatures: sum.wrongSignatures + more.wrongSignatures,
      };
    }
    return sum;
  }
}
