import { variables } from './variables.js';

/** What `--help` prints. */
export function usage(): string {
  return `Usage: node dist/main.js, which frontrunner serve does with flags besides

Answers with the first of several sub-tasks to finish; the rest finish in the background.
${variablesUsage()}`;
}

/** What each variable is for. */
export function variablesUsage(): string {
  const lines = Object.entries(variables).map(
    ([name, { purpose, takes, fallback }]) =>
      `  ${name}\n      ${purpose}\n      Takes ${takes}. Default: ${fallback}\n`,
  );
  return `Environment variables, also read from a file .env:

${lines.join('\n')}`;
}
