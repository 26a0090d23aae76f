import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CERTIFICATE, CERTIFICATE_KEY } from '../../test/support/certificate.js';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import type { OriginSettings } from '../upstreams/upstreams.js';
import { mistakeLines } from './mistake.js';
import { readTasksFiles } from './tasks-file.js';

describe('the origins of a tasks file', () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'tasks.yaml');
  writeFileSync(join(directory, 'ca.pem'), CERTIFICATE);
  writeFileSync(join(directory, 'client.key'), CERTIFICATE_KEY);
  writeFileSync(join(directory, 'other.key'), otherKey());

  /** What is said of a file with these origins: mistakes, variables that aren't set, and settings. */
  function read(origins: string, environment: NodeJS.ProcessEnv = {}) {
    const settings = new Map<string, OriginSettings>();
    writeFileSync(
      path,
      `origins:
  ${origins}
tasks:
  t: { subTasks: [{ kind: http, name: a, url: 'https://a.example/{id}', redirects: ['https://cdn.example'] }] }
  u: { subTasks: [{ kind: http, name: a, url: '\${API_URL}/v1' }, { kind: http, name: b, url: 'http://plain.example/' }] }
`,
    );
    const env = { API_URL: 'https://api.example/base', ...environment };
    const files = readTasksFiles([path], env, {
      declarationOf: () => undefined,
      classes: new Map(),
      handlerOf: () => ({ run: () => undefined }),
      configure: (origin, one) => settings.set(origin, one),
    });
    return {
      settings,
      lines: files
        .flatMap((one) => mistakeLines([...one.mistakes, ...one.unset]))
        .map((line) => line.slice(path.length + 1)),
    };
  }

  test('are reached as it says, also those that the environment or a redirect names', () => {
    const { settings, lines } = read(
      `https://a.example: { tls: { ca: ca.pem, cert: ca.pem, key: ./client.key }, http2: true }
  \${API_URL}: { proxy: 'http://u:\${PROXY_KEY}@proxy.example:3128' }
  https://cdn.example/: { proxy: none }`,
      { PROXY_KEY: 'k3y' },
    );
    expect(lines).toEqual([]);
    expect(Object.fromEntries(settings)).toEqual({
      'https://a.example': {
        tls: { ca: CERTIFICATE, cert: CERTIFICATE, key: CERTIFICATE_KEY },
        http2: true,
      },
      'https://api.example': { proxy: 'http://u:k3y@proxy.example:3128/' },
      'https://cdn.example': { proxy: null },
    });
  });

  test.each([
    [
      'https://a.example/path: {}',
      '2:3: origins["https://a.example/path"]: takes an origin that sub-tasks call, as',
    ],
    [
      'https://b.example: {}',
      '2:3: origins["https://b.example"]: is called by no sub-task; is https://a.example meant?',
    ],
    [
      'https://a.example: { proxie: none }',
      '2:24: origins["https://a.example"].proxie: is not known here; is proxy meant?',
    ],
    [
      'https://a.example: { proxy: "socks5://p:1" }',
      '2:31: origins["https://a.example"].proxy: takes an HTTP proxy such as',
    ],
    [
      'https://a.example: { proxy: "${NONE}" }',
      '2:31: origins["https://a.example"].proxy: takes the environment variable NONE, which is not set; set it',
    ],
    [
      'https://a.example: { proxy: "${API_URL}" }',
      '2:31: origins["https://a.example"].proxy: is no proxy with the values of its variables',
    ],
    [
      'https://a.example: { tls: { cert: ca.pem } }',
      '2:29: origins["https://a.example"].tls: has cert without key; name both files',
    ],
    [
      'https://a.example: { tls: {} }',
      '2:29: origins["https://a.example"].tls: takes ca, or cert and key, or all three',
    ],
    [
      'https://a.example: { tls: { ca: "${CA}" } }',
      '2:35: origins["https://a.example"].tls.ca: has ${CA}, which is taken in',
    ],
    [
      'https://a.example: { tls: { ca: none.pem } }',
      '2:35: origins["https://a.example"].tls.ca: can’t be read: ENOENT: no such file or directory, open',
    ],
    [
      'https://a.example: { tls: { ca: client.key } }',
      `2:35: origins["https://a.example"].tls.ca: ${directory}/client.key holds no certificate in PEM`,
    ],
    [
      'https://a.example: { tls: { cert: ca.pem, key: ca.pem } }',
      `2:50: origins["https://a.example"].tls.key: ${directory}/ca.pem holds no private key in PEM`,
    ],
    [
      'https://a.example: { tls: { cert: ca.pem, key: other.key } }',
      '2:50: origins["https://a.example"].tls.key: other.key doesn’t fit',
    ],
    [
      'http://plain.example: { tls: { ca: ca.pem } }',
      '2:32: origins["http://plain.example"].tls: is of no use to an origin of http',
    ],
    [
      'http://plain.example: { http2: true }',
      '2:34: origins["http://plain.example"].http2: takes an origin of https',
    ],
    [
      'https://a.example: {}\n  https://A.example:443: {}',
      '3:3: origins["https://A.example:443"]: is the same origin as https://a.example in ',
    ],
  ])('have a mistake in %s', (origins, line) => {
    const { lines } = read(origins);
    expect(lines).toEqual([expect.stringContaining(line)]);
    expect(lines[0]?.indexOf(line)).toBe(0);
    expect(lines[0]).not.toContain('PRIVATE KEY');
  });
});

/** A private key of nobody's certificate. */
function otherKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
