/** The address of a database for people: without its password and parameters, but for the host where it is one of those. */
export function nameOf(url: string): string {
  const [base = ''] = url.split('?', 1);
  const host = new URLSearchParams(url.slice(base.length)).get('host');
  return base.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, '$1@') + (host === null ? '' : `?host=${host}`);
}
