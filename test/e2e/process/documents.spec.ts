import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ROOT } from '../../support/type-check.js';

const DOCUMENTS = globSync('{*.md,docs/**/*.md,examples/**/*.md}', { cwd: ROOT }).sort();
const read = (path: string) => readFileSync(resolve(ROOT, path), 'utf8');

/** Without blocks and spans of code: what looks like a link or a heading there is none. */
const prose = (text: string) => text.replace(/^```[^]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');

/** As GitHub makes them of the headings. */
function anchors(path: string): string[] {
  const headings = read(path)
    .replace(/^```[^]*?^```$/gm, '')
    .matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What is wrong with the link, or undefined. */
function mistake(document: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? document : relative(ROOT, resolve(ROOT, dirname(document), path));
  if (!existsSync(resolve(ROOT, target))) return `${link}: there is no ${target}`;
  if (anchor === undefined) return undefined;
  if (statSync(resolve(ROOT, target)).isFile() && anchors(target).includes(anchor)) return undefined;
  return `${link}: ${target} has no such heading`;
}

describe('the documents', () => {
  test('have a README of at most 150 lines', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  });

  test.each(DOCUMENTS)('%s links to files and headings that exist', (document) => {
    const links = [
      ...prose(read(document)).matchAll(/\]\(([^)\s]+)\)/g),
      ...prose(read(document)).matchAll(/^\[[^\]]+\]: (\S+)/gm),
    ].map(([, link]) => link!);
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.map((link) => mistake(document, link)).filter((found) => found !== undefined)).toEqual([]);
  });

  test('have each page of the guide in its index', () => {
    const index = read('docs/guide/README.md');
    const pages = globSync('docs/guide/**/*.md', { cwd: ROOT }).map((path) => relative('docs/guide', path));
    expect(pages.filter((page) => page !== 'README.md' && !index.includes(`](${page})`))).toEqual([]);
  });

  test('show the same examples in the README as in the guide, where they are tested', () => {
    const examples = read('README.md').match(/^```(ts|yaml)\n[^]*?^```$/gm)!;
    const guide = read('docs/guide/in-your-own-app.md') + read('docs/guide/tasks-file.md');
    expect(examples).toHaveLength(2);
    for (const example of examples) expect(guide).toContain(example);
  });
});
