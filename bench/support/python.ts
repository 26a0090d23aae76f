import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian's and Ubuntu's packages install for /usr/bin/python3, which need not be the python3 of the PATH. */
const INTERPRETERS = ['/usr/bin/python3', 'python3'];

const FASTAPI = ['fastapi', 'uvicorn', 'uvloop', 'httptools'];

export const HOW_TO_INSTALL =
  'apt-get install python3-fastapi python3-uvicorn python3-uvloop python3-httptools';

export interface Python {
  readonly path: string;
  /** One line with the versions of Python and of the modules. */
  readonly versions: string;
}

/** The first interpreter that can import these modules. */
export async function findPython(modules: readonly string[] = FASTAPI): Promise<Python | undefined> {
  const versions = modules.map((name) => `f"${name} {${name}.__version__}"`).join(', ');
  const print = `import platform, ${modules.join(', ')}\nprint("Python " + platform.python_version(), ${versions}, sep=", ")`;
  for (const path of INTERPRETERS) {
    try {
      const { stdout } = await run(path, ['-c', print]);
      return { path, versions: stdout.trim() };
    } catch {
      continue;
    }
  }
  return undefined;
}
