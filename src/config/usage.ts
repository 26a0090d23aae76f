import { variables } from './variables.js';

/** What `--help` prints. */
export function usage(): string {
  const lines = Object.entries(variables).map(
    ([name, { purpose, takes, fallback }]) =>
      `  ${name}\n      ${purpose}\n      Takes ${takes}. Default: ${fallback}\n`,
  );
  return `Usage: npm start, or after npm run build: npm run start:prod

Answers with the first of several sub-tasks to finish; the rest finish in the background.
Environment variables, also read from a file .env:

${lines.join('\n')}`;
}
