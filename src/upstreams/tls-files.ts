import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { OriginOptions } from './origins.schema.js';

/** Certificates and keys as PEM texts. */
export interface TlsTexts {
  /** The only trusted authorities. Default: those that Node trusts. */
  readonly ca?: string;
  /** The client certificate, for upstreams that ask for one. */
  readonly cert?: string;
  readonly key?: string;
}

interface TlsIssue {
  readonly member: 'ca' | 'cert' | 'key';
  readonly message: string;
}

/** Reads certificates and keys, and checks that they can be used. @param directory base of relative paths */
export function readTlsFiles(
  files: NonNullable<OriginOptions['tls']>,
  directory: string,
): { readonly texts: TlsTexts; readonly issues: readonly TlsIssue[] } {
  const issues: TlsIssue[] = [];
  const read = (member: TlsIssue['member'], check: (text: string) => unknown, what: string) => {
    const file = files[member];
    if (file === undefined) return {};
    const path = resolve(directory, file);
    try {
      const text = readFileSync(path, 'utf8');
      try {
        check(text);
        return { [member]: text };
      } catch (error) {
        issues.push({ member, message: `${path} holds no ${what}: ${(error as Error).message}` });
      }
    } catch (error) {
      issues.push({ member, message: `can’t be read: ${(error as Error).message}` });
    }
    return {};
  };
  const texts: TlsTexts = {
    ...read('ca', (text) => new X509Certificate(text), 'certificate in PEM'),
    ...read('cert', (text) => new X509Certificate(text), 'certificate in PEM'),
    ...read('key', (text) => createPrivateKey(text), 'private key in PEM without a passphrase'),
  };
  if (issues.length > 0) return { texts, issues };
  try {
    createSecureContext(texts);
  } catch (error) {
    const member = texts.key === undefined ? 'ca' : 'key';
    issues.push({ member, message: `${String(files[member])} doesn’t fit: ${(error as Error).message}` });
  }
  return { texts, issues };
}
