/** `frontrunner run`: starts a run of a task. */
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import {
  INTERRUPTED,
  interruptible,
  runCommand,
  say,
  UsageError,
  type Terminal,
} from '../command-line/command.js';
import { textOf } from '../core/thrown.js';
import { awaitAnswer, startedSchema } from './awaited-answer.js';
import { Client, SERVICE_OPTIONS, SERVICE_USAGE } from './client.js';
import { pathPart } from './service-address.js';
import { ServiceError } from './service-error.js';

const HINT = 'frontrunner run --help says what there is';

const USAGE = `Usage: frontrunner run <task> [-d <JSON>] [--wait] [--webhook <URL>]…

Starts a run, and prints its id as soon as it was accepted. With --wait it prints the answer, as JSON, as soon as there is one.
The run goes on whatever becomes of this command: frontrunner watch <id> shows it.

  -d, --data  The input, as JSON; - reads it from standard input. Default: none.
  --wait      Waits for the answer, however long it takes, also when the service is started again meanwhile.
  --webhook   Where the reply and the end of the run are sent too, signed with the service’s WEBHOOK_SECRET.
${SERVICE_USAGE}
Exit codes: 0 answered (without --wait: accepted); 1 failed, cancelled or refused; 2 it can't be done as it was given;
3 no service was reached; 130 interrupted.
`;

/** Executes the command. @returns the exit code */
export function run(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => start(args, terminal), terminal, { hint: HINT, mendable: [ServiceError] });
}

async function start(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...SERVICE_OPTIONS,
      data: { type: 'string', short: 'd' },
      wait: { type: 'boolean', default: false },
      webhook: { type: 'string', multiple: true },
    },
  });
  const { stdin, stdout, stderr } = terminal;
  if (values.help) {
    stdout.write(USAGE);
    return 0;
  }
  const [task, ...rest] = positionals;
  if (task === undefined || rest.length > 0) throw new UsageError(`It takes the name of one task; ${HINT}`);
  const path = `/tasks/${pathPart(task)}/runs`;
  const client = Client.of(values.url, terminal);
  const data = values.data === '-' ? await text(stdin as NodeJS.ReadableStream) : values.data;
  const body = [
    // The input is sent as it was written, because JSON.parse would round large integers.
    ...(data === undefined ? [] : [`"input":${checked(data)}`]),
    ...(values.webhook ? [`"webhooks":${JSON.stringify(values.webhook.map((url) => ({ url })))}`] : []),
  ];
  const key = `"${randomUUID()}"`;
  const send = (prefer: string, signal?: AbortSignal) =>
    client.request(path, {
      method: 'POST',
      body: `{${body.join()}}`,
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key, Prefer: prefer },
      ...(signal && { signal }),
    });
  if (!values.wait) {
    const { value } = await client.read(await send('respond-async'), startedSchema);
    stdout.write(`${value.id}\n`);
    return 0;
  }
  let id: string | undefined;
  try {
    const answer = await interruptible(terminal, (signal) =>
      awaitAnswer(client, (prefer) => send(prefer, signal), {
        signal,
        started: (started) => (id = started),
        lost: (reason) => say(stderr, `${reason}\nTrying again to get the answer of run ${id}`),
      }),
    );
    if (answer !== undefined) {
      stdout.write(`${answer}\n`);
      return 0;
    }
    if (id !== undefined) say(stderr, `The run goes on: frontrunner watch ${id} shows it`);
    return INTERRUPTED;
  } catch (error) {
    if (id !== undefined && !textOf(error).includes(id)) say(stderr, `There is no answer of run ${id}:`);
    throw error;
  }
}

/** @throws {UsageError} */
function checked(data: string): string {
  try {
    JSON.parse(data);
  } catch (error) {
    throw new UsageError(`--data takes JSON, such as '{"city":"Paris"}': ${textOf(error)}`);
  }
  return data;
}
