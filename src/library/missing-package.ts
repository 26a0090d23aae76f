/** What the HTTP face needs, and what applications without it do without. */
const PACKAGES = ['@nestjs/platform-express', '@nestjs/terminus'];

/** Says what to install where a package of the HTTP face is missing. @throws in any case */
export function refuseMissing(error: unknown): never {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  const missing = code.endsWith('MODULE_NOT_FOUND')
    ? PACKAGES.find((name) => message.includes(`'${name}'`))
    : undefined;
  if (missing === undefined) throw error;
  throw new Error(
    `http of FrontrunnerModule needs ${missing}, which is not installed; install what it needs: npm i ${PACKAGES.join(' ')}`,
    { cause: error },
  );
}
