import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { findPeers, versionOf } from '../peers/find-peers.ts';
import { PeerProcess } from '../peers/peer-process.ts';
import { linesOf, PEERS, type Peer } from '../peers/peers.ts';
import { chooseCores } from '../support/cores.ts';
import { measureDisk, writtenBytes } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import type { Report } from '../support/results.ts';
import type { Stage } from '../support/stage.ts';
import { surviveKills, type Survived } from './peers-kills.ts';
import { notes, resultTable, type PeerTurn, type Setup } from './peers-report.ts';
import type { Scenario } from './scenario.ts';

/** The job of the toy, a thousand times as fast; and as slow as calls over a network are. */
const JOBS = [
  { name: '1, 5 and 3 ms', piecesMs: [1, 5, 3], callers: [1, 64, 256] },
  { name: '100, 500 and 300 ms', piecesMs: [100, 500, 300], callers: [64] },
] as const;

/** Before and behind the measured part of a load, in milliseconds. */
const LEAD_MS = 300;

export const peers: Scenario = {
  name: 'peers',
  summary:
    'the same job done by engines of durable execution, by queues and by the toy; what each keeps of a crash',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  // Run by root, Postgres works as another user, who has to get there.
  chmodSync(directory, 0o755);
  const disk = await measureDisk(stage, directory);
  const wanted = chosen(options.peers);
  const present = await findPeers((line) => {
    stage.say(line);
  });
  const found = present.filter((peer) => wanted.includes(peer));
  const cores = chooseCores(stage);
  const generator = new Generator(stage, cores.generator);
  const dist = path.dirname(options.service);
  const setups = new Map<string, Setup>();
  const turns: PeerTurn[] = [];
  let count = 0;
  const start = (peer: Peer, piecesMs: readonly number[], ledger?: string): Promise<PeerProcess> => {
    const own = path.join(directory, `${peer.key}-${++count}`);
    mkdirSync(own);
    return PeerProcess.start(stage, peer, {
      // Not pinned: those of several processes take what the generator leaves of all cores.
      ...{ directory: own, core: undefined, dist, piecesMs },
      ...(ledger !== undefined && { ledger }),
    });
  };
  for (let round = 1; round <= options.rounds; round++)
    for (const job of JOBS)
      for (const peer of found) {
        const running = await start(peer, job.piecesMs);
        setups.set(peer.key, {
          peer,
          version: versionOf(peer),
          lines: linesOf(peer),
          processes: running.processes,
        });
        for (const callers of job.callers) {
          const turn = await takeTurn(stage, generator, running, callers, options, directory);
          turns.push({ ...turn, peer: peer.key, job: job.name, callers });
          stage.say(
            `Round ${round}/${options.rounds}: ${peer.name}, ${job.name}, ${callers} callers: ${Math.round(turn.requestsPerSecond)}/s`,
          );
        }
        await running.stop();
      }
  const survived: Survived[] = [];
  for (let kill = 1; kill <= options.starts; kill++)
    survived.push(...(await surviveKills(stage, found, start, directory)));
  await stage.clear();
  return {
    scenario: peers.name,
    table: resultTable([...setups.values()], turns, survived),
    notes: notes([...setups.values()], disk),
    goals: [],
    data: { options: { rounds: options.rounds, seconds: options.seconds }, cores, disk, turns, survived },
  };
}

/** The peers of these names; all, without any. @throws {Error} on a name that none has */
function chosen(keys: readonly string[]): readonly Peer[] {
  const unknown = keys.find((name) => !PEERS.some(({ key }) => key === name));
  if (unknown !== undefined)
    throw new Error(`There is no peer "${unknown}": they are ${PEERS.map(({ key }) => key).join(', ')}.`);
  return keys.length === 0 ? PEERS : PEERS.filter(({ key }) => keys.includes(key));
}

async function takeTurn(
  stage: Stage,
  generator: Generator,
  running: PeerProcess,
  connections: number,
  { seconds, warmUp }: Options,
  directory: string,
): Promise<Omit<PeerTurn, 'peer' | 'job' | 'callers'>> {
  const { signal } = stage;
  await generator.start({ kind: 'callers', url: running.url, connections, ramp: 0 });
  await sleep(LEAD_MS + 1000 * warmUp, undefined, { signal });
  const writtenBefore = await writtenBytes(directory);
  await generator.lap();
  const before = running.usage;
  await sleep(seconds * 1000, undefined, { signal });
  const after = running.usage;
  const lap = await generator.lap();
  await generator.stop();
  const written = await writtenBytes(directory);
  await sleep(LEAD_MS, undefined, { signal });
  const answers = lap.completed + lap.non2xx;
  return {
    requestsPerSecond: lap.completed / lap.seconds,
    p50: lap.p50,
    p99: lap.p99,
    cpuPerRequest: (after.cpuMicroseconds - before.cpuMicroseconds) / answers,
    ...(written !== undefined &&
      writtenBefore !== undefined && { writtenPerRequest: (written - writtenBefore) / answers }),
    residentBytes: after.residentBytes,
    faults: lap.errors + lap.non2xx,
  };
}
