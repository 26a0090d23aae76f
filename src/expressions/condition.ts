import { memoryBytes, type JsonValue } from '../core/json.js';
import { expressionMistake, expressionOf } from './expression.js';
import { ExpressionError, type ExpressionThread } from './expression-thread.js';

/** What the JSON text of true or false takes at most. */
const MAX_LENGTH = 5;

/** What is wrong with a condition over the input, `{% … %}`; undefined when nothing is. */
export function conditionMistake(text: string): string | undefined {
  const source = expressionOf(text);
  if (source === undefined)
    return 'takes an expression in JSONata over the input, such as {% region = "eu" %}';
  return expressionMistake(source, []);
}

/** Makes a function of the input of a condition without mistakes: what it gives counts as `$boolean` takes it, nothing as false. */
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
