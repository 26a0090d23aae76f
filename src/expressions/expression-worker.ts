/** The thread that evaluates expressions. An expression that takes too long is ended together with the thread. */
import { parentPort } from 'node:worker_threads';
import jsonata from 'jsonata';
import '../core/exact-json.js';

/** A message to the thread. */
export interface Questions {
  readonly sources: readonly string[];
  /** The context of the expressions. */
  readonly body: unknown;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Longest JSON text of a value. */
  readonly maxLength: number;
}

/** The value of an expression as JSON text, undefined for nothing, or the error. */
export type Answer = { readonly text: string | undefined } | { readonly error: string };

const port = parentPort;
if (!port) throw new Error('This file is for worker threads');
/** Bounds of lists and of functions that call each other, far past what an answer has. */
const BOUNDS = { sequence: 1_000_000, stack: 5_000 };
const compiled = new Map<string, jsonata.Expression>();

async function answer(source: string, { body, variables, maxLength }: Questions): Promise<Answer> {
  try {
    let expression = compiled.get(source);
    if (!expression) compiled.set(source, (expression = jsonata(source, BOUNDS)));
    const value: unknown = await expression.evaluate(body, { ...variables, eval: undefined });
    const text = JSON.stringify(value, refuseOthers) as string | undefined;
    if (text !== undefined && text.length > maxLength)
      throw new Error(`its value has more than ${maxLength} bytes; maxResponse is that bound`);
    return { text };
  } catch (error) {
    return { error: messageOf(error as Failure) };
  }
}

/** An error of JSONata. Its message quotes values. */
interface Failure {
  readonly message?: string;
  readonly value?: unknown;
  readonly value2?: unknown;
}

/** Why an expression failed, without values of the answer or the input: messages are kept where those must not be. */
function messageOf({ message: whole = 'it threw no error', value, value2 }: Failure): string {
  let message = whole;
  for (const quoted of [value, value2]) {
    const text = JSON.stringify(quoted) as string | undefined;
    if (text !== undefined) message = message.replaceAll(text, '…');
  }
  return message;
}

/** Refuses values that JSON would leave out or turn into null. */
function refuseOthers(_key: string, value: unknown): unknown {
  if (typeof value === 'function' || (value as { readonly _jsonata_lambda?: true } | null)?._jsonata_lambda)
    throw new Error('its value has a function');
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new Error('its value has a number that is no number or endless; was something divided by 0?');
  return value;
}

port.on('message', (questions: Questions) => {
  void Promise.all(questions.sources.map((source) => answer(source, questions))).then((answers) => {
    port.postMessage(answers);
  });
});
port.postMessage('ready');
