import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import path from 'node:path';
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

/** How a peer is started, with pieces that take so long, and are noted in a file when they are done. */
export type StartPeer = (peer: Peer, piecesMs: readonly number[], ledger: string) => Promise<PeerProcess>;

/**
 * Kills each peer, and then what it keeps its work in, at a random moment under load, and starts it again. The next one is killed when
 * it answers again: who waits for the last pieces needs no CPU.
 */
export async function surviveKills(
  stage: Stage,
  peers: readonly Peer[],
  start: StartPeer,
  directory: string,
): Promise<Survived[]> {
  const survived: Promise<Survived>[] = [];
  for (const peer of peers) {
    // Its pieces are noted nowhere.
    if (peer.program.kind === 'service') continue;
    for (const killed of ['itself', 'backing'] as const) {
      const ledger = mkdtempSync(path.join(directory, `${peer.key}-ledger-`));
      const running = await start(peer, PIECES_MS, path.join(ledger, 'pieces'));
      const restarted = await surviveKill(stage, running, killed);
      if (!restarted) {
        await running.stop();
        continue;
      }
      const one = becomesOf(stage, running, path.join(ledger, 'pieces'), restarted).finally(() =>
        running.stop(),
      );
      // Waited for below.
      one.catch(() => undefined);
      survived.push(one);
    }
  }
  return Promise.all(survived);
}

/** A peer that was killed and answers again. */
type Restarted = Pick<Survived, 'killed' | 'firstAnswerMs'> & {
  /** The requests that had been answered. */
  readonly told: readonly string[];
  /** When it was started again, on the clock of `performance.now()`. */
  readonly restartedAt: number;
};

/** @returns undefined where there is nothing to kill */
async function surviveKill(
  stage: Stage,
  running: PeerProcess,
  killed: Survived['killed'],
): Promise<Restarted | undefined> {
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
  await running.startAgain();
  const restartedAt = performance.now();
  const answers = await running.untilItAnswers().then(
    () => true,
    () => false,
  );
  return {
    killed,
    told: [...told],
    restartedAt,
    firstAnswerMs: answers ? performance.now() - restartedAt : Infinity,
  };
}

/** Waits for the last piece of what was told, as long as that has patience. */
async function becomesOf(
  stage: Stage,
  { peer }: PeerProcess,
  ledger: string,
  { killed, told, restartedAt, firstAnswerMs }: Restarted,
): Promise<Survived> {
  const until = restartedAt + PATIENCE_MS[peer.keeps];
  let lastPieceMs = 0;
  for (;;) {
    const done = piecesDone(ledger);
    if (told.every((id) => allDone(done, id)) || performance.now() > until) break;
    await sleep(LOOK_EVERY_MS, undefined, { signal: stage.signal });
    lastPieceMs = performance.now() - restartedAt;
  }
  // What is done twice is done soon after.
  await sleep(2_000, undefined, { signal: stage.signal });
  const done = piecesDone(ledger);
  const kept = told.filter((id) => allDone(done, id)).length;
  const twice = told.filter((id) => (done.get(id) ?? []).some((count) => count > 1)).length;
  const late = told.length - kept;
  stage.say(
    `${peer.name}, ${killed} killed: ${told.length} told, ${kept} kept, ${late} late, ${twice} twice`,
  );
  return { peer: peer.key, killed, told: told.length, kept, late, twice, firstAnswerMs, lastPieceMs };
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
