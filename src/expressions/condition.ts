import { memoryBytes, type JsonValue } from '../core/json.js';
import { expressionMistake, expressionOf } from './expression.js';
import { ExpressionError, type ExpressionThread } from './expression-thread.js';

/** Longest JSON text of true or false. */
const MAX_LENGTH = 5;

/** The mistake in a condition over the input, `{% … %}`; undefined when there is none. */
export function conditionMistake(text: string): string | undefined {
  const source = expressionOf(text);
  if (source === undefined)
    return 'takes an expression in JSONata over the input, such as {% region = "eu" %}';
  return expressionMistake(source, []);
}

/** Compiles a valid condition to a function of the input. Its value counts as in `$boolean`; no value counts as false. */
export function condition(text: string, thread: ExpressionThread): (input: unknown) => Promise<boolean> {
  const sources = [`$boolean((${String(expressionOf(text))}))`];
  const { signal } = new AbortController();
  return async (input) => {
    const questions = { sources, body: input, variables: {}, maxLength: MAX_LENGTH };
    const [evaluated] = await thread.evaluate(questions, memoryBytes(input as JsonValue), signal);
    if (evaluated && 'error' in evaluated) throw new ExpressionError(evaluated.error);
    return evaluated?.value === true;
  };
}
