import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { untilTrue } from '../../bench/peers/backing.ts';
import { findPeers } from '../../bench/peers/find-peers.ts';
import { PeerProcess } from '../../bench/peers/peer-process.ts';
import { PEERS } from '../../bench/peers/peers.ts';
import { Stage } from '../../bench/support/stage.ts';

const found = await findPeers((line) => {
  process.stdout.write(`${line}\n`);
});

describe('what npm run bench -- peers compares', () => {
  const stage = new Stage();
  afterAll(() => stage.clear());

  test('has this project and the floor, whatever else is installed', () => {
    expect(found.map(({ key }) => key)).toEqual(expect.arrayContaining(['frontrunner-sqlite', 'bare']));
  });

  for (const peer of PEERS)
    (found.includes(peer) ? test : test.skip)(
      `has ${peer.name}, which does the job, and all of it`,
      async () => {
        const directory = mkdtempSync(join(tmpdir(), 'frontrunner-peers-'));
        chmodSync(directory, 0o755);
        const ledger = join(directory, 'ledger');
        const running = await PeerProcess.start(stage, peer, {
          ...{ directory, core: undefined, dist: join(import.meta.dirname, '../../dist') },
          ...{ piecesMs: [20, 200, 100], ledger },
        });
        try {
          const answers = Array.from({ length: 5 }, async (_, n) =>
            (await fetch(`${running.url}?id=one-${n}`)).json(),
          );
          expect(await Promise.all(answers)).toEqual(
            Array(5).fill({ result: expect.stringMatching(/^\w+ result$/) }),
          );
          await allPiecesOf(running, ledger);
          expect(running.usage.cpuMicroseconds).toBeGreaterThan(0);
        } finally {
          await running.stop();
          rmSync(directory, { recursive: true, force: true });
        }
      },
    );

  /** Waits until every piece of the five requests is done, each once. */
  async function allPiecesOf({ peer, url }: PeerProcess, ledger: string): Promise<void> {
    if (peer.program.kind === 'service') {
      // It answered once more, before the five.
      const succeeded = async () => {
        const { runs } = (await (await fetch(new URL('/runs?status=succeeded', url))).json()) as {
          runs: unknown[];
        };
        return runs.length === 6;
      };
      await untilTrue(stage, 'all runs have succeeded', succeeded);
      return;
    }
    const done = () =>
      readFileSync(ledger, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('one-'))
        .toSorted();
    await untilTrue(stage, 'all pieces are done', () => Promise.resolve(done().length >= 15));
    expect(done()).toEqual(Array.from({ length: 15 }, (_, at) => `one-${Math.floor(at / 3)} ${at % 3}`));
  }
});
