/** Where a browser continues after signing in: a path of the service, or its root instead of any other address. */
export function pathToGoOn(next: unknown): string {
  if (typeof next !== 'string' || next.length > MAX_PATH || !next.startsWith('/')) return '/';
  const url = URL.parse(next, HERE);
  // `/.//elsewhere`, once resolved, begins with two slashes.
  if (url?.origin !== HERE || url.pathname.startsWith('//')) return '/';
  return url.pathname + url.search + url.hash;
}

const MAX_PATH = 2_000;
const HERE = 'http://service.invalid';

interface SignedIn {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/**
 * The page with the sign-in form.
 *
 * @param onward the address of the form's next page
 * @param mistake why the last key was refused; undefined at first
 */
export function signInPage(onward: string, mistake?: string): string {
  const alert = mistake === undefined ? '' : `<p id="alert" role="alert">${mistake}</p>\n`;
  const state = mistake === undefined ? '' : ' aria-invalid="true" aria-describedby="alert"';
  return page(
    'Sign in',
    `<p>This service needs an API key. Whoever runs it makes one with <code>frontrunner keys create</code>.</p>
${alert}<form method="post" action=""><label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="current-password" autocapitalize="off" spellcheck="false" required autofocus${state}>
<button>Sign in</button></form>
<p>The browser stays signed in for 12 hours, or until you sign out. If it is already, <a href="${escaped(onward)}">go on</a>.</p>`,
  );
}

/** The page for a browser that is signed in. @param signOut the address of the sign-out form */
export function signedInPage(onward: string, signOut: string, { name, until }: SignedIn): string {
  const time = new Date(until).toISOString();
  return page(
    'Signed in',
    `<p>You are signed in as <b>${escaped(name)}</b> until <time datetime="${time}">${time.slice(0, 16).replace('T', ' ')} UTC</time>.</p>
<p><a href="${escaped(onward)}">Go on</a></p>
<form method="post" action="${escaped(signOut)}"><button>Sign out</button></form>`,
  );
}

const STYLE = `:root{color-scheme:light dark;background:Canvas;color:CanvasText}body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem}
label{display:block;font-weight:600}input,button{font:inherit;box-sizing:border-box;width:100%;padding:.6rem;margin:.3rem 0 .8rem;border:1px solid GrayText;border-radius:.4rem}
button{cursor:pointer;font-weight:600}[role=alert]{border-left:.3rem solid #d33;padding-left:.7rem}`;

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title} - Frontrunner</title><style>${STYLE}</style></head><body><main><h1>${title}</h1>
${body}</main></body></html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
