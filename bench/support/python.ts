import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian's and Ubuntu's packages install for /usr/bin/python3, which need not be the python3 of the PATH. */
const INTERPRETERS = ['/usr/bin/python3', 'python3'];

const PRINT_VERSIONS = `
import platform, fastapi, uvicorn, uvloop, httptools
print("Python", platform.python_version(), *(
    f"{m.__name__} {m.__version__}" for m in (fastapi, uvicorn, uvloop, httptools)), sep=", ")
`;

export const HOW_TO_INSTALL =
  'apt-get install python3-fastapi python3-uvicorn python3-uvloop python3-httptools';

export interface Python {
  readonly path: string;
  /** One line with the versions of Python and of the four packages. */
  readonly versions: string;
}

/** The first interpreter that can import FastAPI, uvicorn, uvloop and httptools. */
export async function findPython(): Promise<Python | undefined> {
  for (const path of INTERPRETERS) {
    try {
      const { stdout } = await run(path, ['-c', PRINT_VERSIONS]);
      return { path, versions: stdout.trim().replace('Python, ', 'Python ') };
    } catch {
      continue;
    }
  }
  return undefined;
}
