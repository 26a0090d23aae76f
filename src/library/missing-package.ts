/** Optional parts of an instance, and the packages that each needs. Applications that don't use a part need not install them. */
const NEEDED = [
  { by: 'http', packages: ['@nestjs/platform-express'] },
  { by: 'a database postgres://…', packages: ['pg', 'pg-boss'] },
  {
    by: 'forFile, or a webhook,',
    packages: ['ajv', 'eventsource-parser', 'jsonata', 'undici', 'url-template', 'yaml'],
  },
];

/** For a missing package, an error that names the command to install it. Other errors stay as they are. */
export function withMissingPackage(error: unknown): unknown {
  const { code = '', message = '' } = (error ?? {}) as { code?: string; message?: string };
  if (!code.endsWith('MODULE_NOT_FOUND')) return error;
  for (const { by, packages } of NEEDED) {
    const missing = packages.find((name) => message.includes(`'${name}'`));
    if (missing !== undefined)
      return new Error(
        `${by} of FrontrunnerModule needs ${missing}, which is not installed; install what it needs: npm i ${packages.join(' ')}`,
        { cause: error },
      );
  }
  return error;
}

/** @throws always: the error that {@link withMissingPackage} returns */
export function refuseMissing(error: unknown): never {
  throw withMissingPackage(error);
}
