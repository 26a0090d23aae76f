import { isDeepStrictEqual } from 'node:util';
import type { ShownRun } from '../support/test-app.ts';
import type { Told } from './callers.ts';

/** What a caller was told, whatever it asked. */
type ToldOfRun = Pick<Told, 'runId' | 'reply'> & { readonly request: object };

/** How many runs are looked at at a time. */
const LANES = 16;

/** How what `GET /runs/{id}` says differs from what callers were told. */
export async function proveAnswers(url: string, told: readonly ToldOfRun[]): Promise<string[]> {
  const violations: string[] = [];
  const left = told.values();
  const lane = async (): Promise<void> => {
    for (const answer of left) violations.push(...(await proveAnswer(url, answer)));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const runs = new Set(told.map(({ runId }) => runId)).size;
  if (runs < told.length) violations.push(`${String(told.length)} callers were told of ${String(runs)} runs`);
  return violations;
}

async function proveAnswer(url: string, { request, runId, reply }: ToldOfRun): Promise<string[]> {
  const what = reply ? JSON.stringify(reply) : 'that it would go on';
  const who = `The run ${runId}, whose caller was told ${what},`;
  const response = await fetch(`${url}/runs/${runId}`);
  const body: unknown = await response.json();
  if (response.status !== 200) return [`${who} is lost: ${JSON.stringify(body)}`];
  const run = body as ShownRun;
  const asked = { input: run.input, reply: run.replyPolicy, losers: run.losers };
  const violations: string[] = [];
  if (reply && !isDeepStrictEqual(run.reply, reply))
    violations.push(`${who} now has the reply ${JSON.stringify(run.reply)}`);
  if (!isDeepStrictEqual(asked, request)) violations.push(`${who} is not what was asked for`);
  if (run.finishedAt === null) violations.push(`${who} never ended`);
  return violations;
}
