/**
 * The `Link` header of a page, which leads to the next page (RFC 8288): the requested address with a new cursor, and with all other
 * parameters unchanged.
 *
 * @param link the address of the list
 * @param url the address as the request has it
 */
export function nextLink(link: string, url: string, cursor: string): string {
  const parameters = new URLSearchParams(url.split('?').slice(1).join('?'));
  parameters.set('cursor', cursor);
  return `<${link}?${parameters.toString()}>; rel="next"`;
}

/** Documents the header. */
export const linkHeader = {
  Link: {
    description: 'Leads to the next page, where there is one (`rel="next"`, RFC 8288).',
    schema: { type: 'string' as const },
  },
};
