/** The server of an origin, as OpenTelemetry has it. */
export function serverOf(origin: string): { readonly address: string; readonly port: number } {
  const { protocol, hostname, port } = new URL(origin);
  return { address: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}
