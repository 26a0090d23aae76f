import { z } from 'zod';
import { PROXY_FORM, proxyUrl } from '../core/proxy-url.js';
import { urlTemplate } from './environment-url.js';

const pathSchema = z.string().min(1).max(4_000);

const proxySchema = z
  .string()
  .max(8_000)
  .refine((text) => text === 'none' || text.includes('${') || proxyUrl(text) !== undefined, PROXY_FORM)
  .meta({
    description:
      'The HTTP proxy through which the origin is called; none: it is called directly. ${NAME} is an environment variable. Default: what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say.',
    examples: ['http://${PROXY_USER}:${PROXY_PASSWORD}@proxy.example:3128', 'none'],
  });

const tlsSchema = z
  .strictObject({
    ca: pathSchema
      .optional()
      .meta({ description: 'The only authorities that are trusted here. Default: those that Node trusts.' }),
    cert: pathSchema
      .optional()
      .meta({ description: 'The certificate of this service, with those between it and its authority.' }),
    key: pathSchema.optional().meta({ description: 'The private key of `cert`, without a passphrase.' }),
  })
  .superRefine(({ ca, cert, key }, context) => {
    const report = (message: string) => {
      context.addIssue({ code: 'custom', message });
    };
    if ((cert === undefined) !== (key === undefined))
      report(`has ${cert === undefined ? 'key without cert' : 'cert without key'}; name both files`);
    else if (ca === undefined && cert === undefined) report('takes ca, or cert and key, or all three');
  })
  .meta({
    description: 'Files of PEM; their paths begin at the directory of the tasks file.',
    examples: [
      { ca: 'certificates/ca.pem', cert: 'certificates/client.pem', key: 'certificates/client.key' },
    ],
  });

/** The connection settings of one origin. */
const originSchema = z
  .strictObject({
    proxy: proxySchema.optional(),
    tls: tlsSchema.optional(),
    http2: z
      .boolean()
      .optional()
      .meta({
        description:
          'Whether HTTP/2 is spoken where the upstream speaks it: requests share a connection then. Default false: HTTP/1.1.',
        examples: [true],
      }),
  })
  .meta({ id: 'Origin', description: 'How an origin is reached.' });

export type OriginOptions = Readonly<z.infer<typeof originSchema>>;

const ORIGIN_FORM =
  'takes an origin that sub-tasks call, as their url begins: https://api.example.com, or ${API_URL}';

export const originsSchema = z.record(z.string().refine(isOrigin, ORIGIN_FORM), originSchema).meta({
  description: 'How origins are reached, by what their URLs begin with.',
  examples: [{ 'https://api.internal.example': { proxy: 'none', tls: { ca: 'ca.pem' } } }],
});

function isOrigin(text: string): boolean {
  try {
    urlTemplate(text);
  } catch {
    return false;
  }
  return /^(?:\$\{\w+\}|https?:\/\/[^/?#]+)\/?$/i.test(text);
}
