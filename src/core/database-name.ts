/** The address of a database to show to people. It has no password, and of the parameters only `host`. */
export function nameOf(url: string): string {
  const [base = ''] = url.split('?', 1);
  const host = new URLSearchParams(url.slice(base.length)).get('host');
  return base.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, '$1@') + (host === null ? '' : `?host=${host}`);
}
