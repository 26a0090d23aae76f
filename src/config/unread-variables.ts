import { distance } from '../core/nearest.js';
import { variables } from './variables.js';

const NAMES = Object.keys(variables);
/** Variables that only the commands read which call a service. */
const OF_COMMANDS = ['FRONTRUNNER_URL', 'FRONTRUNNER_API_KEY'];
const PREFIX = 'FRONTRUNNER_';
/** Variables that Kubernetes and Docker links set in containers beside a service of the name frontrunner. */
const OF_ORCHESTRATOR =
  /^FRONTRUNNER_(.*_)?(SERVICE_(HOST|PORT(_.*)?)|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?|NAME|ENV_.*)$/;

/**
 * Warnings about variables that look as if they were meant for the service, but which the service doesn't read. Short names such as HOST
 * and PORT must match exactly, as too many other names are close to them. Warnings show no values.
 */
export function unreadVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value = '']) => {
    if (NAMES.includes(name) || isOfOthers(name, value)) return [];
    const isPrefixed = name.startsWith(PREFIX);
    const meant = meantBy(isPrefixed ? name.slice(PREFIX.length) : name);
    if (meant !== undefined) return [`The variable ${name} is not read; did you mean ${meant}?`];
    return isPrefixed
      ? [`The variable ${name} is not read; frontrunner serve --help lists those that are`]
      : [];
  });
}

function isOfOthers(name: string, value: string): boolean {
  // HTTP_PROXY and the like are read in lower case too.
  if (name.endsWith('_proxy') || OF_COMMANDS.includes(name) || OF_ORCHESTRATOR.test(name)) return true;
  return name.startsWith(PREFIX) && /^(tcp|udp|sctp):\/\//.test(value);
}

function meantBy(name: string): string | undefined {
  const given = name.toUpperCase();
  return NAMES.find((known) => {
    if (known === given) return true;
    // From eight letters on, one may be wrong; from thirteen on, two. So DATABASE_SSL is not taken for DATABASE_URL.
    const most = known.length < 8 ? 0 : known.length < 13 ? 1 : 2;
    return Math.abs(known.length - given.length) <= most && distance(known, given) <= most;
  });
}
