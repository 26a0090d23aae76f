/** `frontrunner schema`: prints the JSON Schema of tasks files. */
import { parseArgs } from 'node:util';
import { runCommand, type Terminal } from '../command-line/command.js';
import { tasksJsonSchema } from './tasks-file.schema.js';

const HINT = 'frontrunner schema --help says what there is';

const USAGE = `Usage: frontrunner schema > tasks.schema.json

Prints the JSON Schema of files of tasks, by which editors complete and check them. The first line of a file names it:
# yaml-language-server: $schema=./tasks.schema.json
`;

/** Executes the command. @returns the exit code */
export function printSchema(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(
    () => {
      const options = { help: { type: 'boolean', short: 'h', default: false } } as const;
      const { help } = parseArgs({ args: [...args], options }).values;
      terminal.stdout.write(help ? USAGE : schemaText());
      return 0;
    },
    terminal,
    { hint: HINT, mendable: [] },
  );
}

export function schemaText(): string {
  return `${JSON.stringify(tasksJsonSchema(), undefined, 2)}\n`;
}
