import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PeerProcess } from '../peers/peer-process.ts';
import type { Peer } from '../peers/peers.ts';
import type { Stage } from '../support/stage.ts';

/** Requests a second, evenly, and for how long before the kill at the least, and at the most. */
const RATE = 50;
const BEFORE_MS = [1_500, 3_000] as const;

/** How long after the restart what was told is waited for, in milliseconds: of a peer that keeps nothing, for as long as a piece takes. */
const PATIENCE_MS = { all: 60_000, nothing: 2_000 } as const;
const LOOK_EVERY_MS = 250;

/** So long that work is under way at any moment, in milliseconds. */
const PIECES_MS = [100, 500, 300];

/** What became of the answers that callers had when a process was killed. */
export interface Survived {
  readonly peer: string;
  /** What was killed. */
  readonly killed: 'itself' | 'backing';
  /** Callers with an answer. */
  readonly told: number;
  /** Of them, those of which all pieces were done in the end; those of which one was still missing when nobody waited any longer. */
  readonly kept: number;
  readonly late: number;
  /** Of them, those of which a piece was done more than once. */
  readonly twice: number;
  /** From the restart to the first answer, and to the last piece of what was told, in milliseconds; Infinity where none came. */
  readonly firstAnswerMs: number;
  readonly lastPieceMs: number;
}

/** Kills the peer, and then what it keeps its work in, each at a random moment under load, and starts it again. */
export async function surviveKills(
  stage: Stage,
  peer: Peer,
  start: (peer: Peer, piecesMs: readonly number[], ledger: string) => Promise<PeerProcess>,
  ledger: string,
): Promise<Survived[]> {
  const survived: Survived[] = [];
  for (const killed of ['itself', 'backing'] as const) {
    const file = `${ledger}-${killed}`;
    const running = await start(peer, PIECES_MS, file);
    try {
      const one = await surviveKill(stage, running, killed, file);
      if (!one) continue;
      survived.push(one);
      stage.say(
        `${peer.name}, ${killed} killed: ${one.told} told, ${one.kept} kept, ${one.late} late, ${one.twice} twice`,
      );
    } finally {
      await running.stop();
    }
  }
  return survived;
}

async function surviveKill(
  stage: Stage,
  running: PeerProcess,
  killed: Survived['killed'],
  ledger: string,
): Promise<Survived | undefined> {
  const told = new Set<string>();
  const asking: Promise<void>[] = [];
  const untilKill = BEFORE_MS[0] + Math.random() * (BEFORE_MS[1] - BEFORE_MS[0]);
  const began = performance.now();
  for (let next = 0; performance.now() - began < untilKill; next++) {
    asking.push(ask(running.url, `k${next}`, told));
    await sleep(Math.max(0, began + (next * 1000) / RATE - performance.now()), undefined, {
      signal: stage.signal,
    });
  }
  if (killed === 'itself') await running.killItself();
  else if (!(await running.killBacking())) return undefined;
  await Promise.allSettled(asking);
  const ids = [...told];
  await running.startAgain();
  const restarted = performance.now();
  const answers = await running.untilItAnswers().then(
    () => true,
    () => false,
  );
  const firstAnswerMs = answers ? performance.now() - restarted : Infinity;
  let lastPieceMs = 0;
  for (;;) {
    const done = piecesDone(ledger);
    if (
      ids.every((id) => allDone(done, id)) ||
      performance.now() - restarted > PATIENCE_MS[running.peer.keeps]
    )
      break;
    await sleep(LOOK_EVERY_MS, undefined, { signal: stage.signal });
    lastPieceMs = performance.now() - restarted;
  }
  // What is done twice is done soon after.
  await sleep(2_000, undefined, { signal: stage.signal });
  const done = piecesDone(ledger);
  const kept = ids.filter((id) => allDone(done, id)).length;
  const twice = ids.filter((id) => (done.get(id) ?? []).some((count) => count > 1)).length;
  return {
    ...{ peer: running.peer.key, killed, told: ids.length, kept, late: ids.length - kept, twice },
    ...{ firstAnswerMs, lastPieceMs },
  };
}

async function ask(url: string, id: string, told: Set<string>): Promise<void> {
  const answer = await fetch(`${url}?id=${id}`, { signal: AbortSignal.timeout(5_000) }).catch(
    () => undefined,
  );
  const body = await answer?.text().catch(() => undefined);
  if (answer?.ok && body !== undefined) told.add(id);
}

/** How often each piece of each request was done. */
function piecesDone(ledger: string): Map<string, number[]> {
  const done = new Map<string, number[]>();
  if (!existsSync(ledger)) return done;
  for (const line of readFileSync(ledger, 'utf8').split('\n')) {
    const [id = '', piece] = line.split(' ');
    if (piece === undefined) continue;
    const counts = done.get(id) ?? [0, 0, 0];
    counts[Number(piece)] = (counts[Number(piece)] ?? 0) + 1;
    done.set(id, counts);
  }
  return done;
}

function allDone(done: ReadonlyMap<string, readonly number[]>, id: string): boolean {
  return done.get(id)?.every((count) => count > 0) ?? false;
}
