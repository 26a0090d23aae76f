export const PROXY_FORM =
  'takes an HTTP proxy such as http://user:password@proxy.example:3128, or none; SOCKS is not spoken';

/** The URL of a proxy, from a text with or without `http://`. Undefined where the text is no such URL. */
export function proxyUrl(text: string): string | undefined {
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search + url.hash !== '')
    return undefined;
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    return undefined;
  }
  return url.href;
}
