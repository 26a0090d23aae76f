import { spawn } from 'node:child_process';

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens a page in the browser. @param report called when that fails, because servers have no browser */
export function openPage(url: string, report: (line: string) => void): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, url], { stdio: 'ignore' });
  child.once('error', ({ message }) => report(`${url} can’t be opened in a browser: ${message}`));
  child.once('exit', (code) => {
    if (code !== 0) report(`${url} can’t be opened in a browser: ${command} ended with ${String(code)}`);
  });
  child.unref();
}
