import { resolve } from 'node:path';
import ts from 'typescript';

export const ROOT = resolve(import.meta.dirname, '../..');

/** What is wrong with a file, and the line it is wrong in. */
export interface Mistake {
  readonly line: string;
  readonly message: string;
}

/** The compiler's options that the whole project is compiled with. */
export function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(resolve(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  return ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, ROOT).options;
}

/**
 * Type-checks files as if they stood in the project, as strictly as the project.
 *
 * @param files their texts by their paths from the project's root
 * @returns the mistakes of each
 */
export function typeCheck(files: Readonly<Record<string, string>>): Record<string, Mistake[]> {
  const texts = new Map(Object.entries(files).map(([path, text]) => [resolve(ROOT, path), text]));
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const fileExists = host.fileExists.bind(host);
  const readFile = host.readFile.bind(host);
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  const program = ts.createProgram([...texts.keys()], options, host);
  return Object.fromEntries(
    Object.keys(files).map((path) => {
      const source = program.getSourceFile(resolve(ROOT, path))!;
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      const lines = source.text.split('\n');
      const mistakes = found.map(({ start = 0, messageText }) => ({
        line: lines[source.getLineAndCharacterOfPosition(start).line]!.trim(),
        message: ts.flattenDiagnosticMessageText(messageText, '\n'),
      }));
      return [path, mistakes];
    }),
  );
}
