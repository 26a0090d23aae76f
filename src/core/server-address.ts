/** Address and port of an origin's server, as OpenTelemetry defines these two. */
export function serverOf(origin: string): { readonly address: string; readonly port: number } {
  const { protocol, hostname, port } = new URL(origin);
  return { address: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}
