import type { DiagLogger } from '@opentelemetry/api';
import { loggerOf } from '../core/logger-of.js';
import { Seldom } from '../http/seldom.js';

/** How much of what the SDK says stands in a line, in characters. */
const MOST = 500;

/**
 * Tells what the SDK complains of. Before it has started, that is of variables: each is a line. After that, a collector that can’t be
 * reached fails every export: the log says so once a minute, and how often.
 */
export class SdkWarnings implements DiagLogger {
  private readonly logger = loggerOf('telemetry');
  private readonly seldom = new Seldom(this.logger);
  private readonly said = new Set<string>();
  private started = false;

  /** Whatever comes now is of no variable. */
  start(): void {
    this.started = true;
    this.said.clear();
  }

  readonly warn = (...words: readonly unknown[]): void => {
    const text = textOf(words);
    if (this.started) {
      this.seldom.warn(`Telemetry could not be exported, which goes on being tried: ${text}`);
    } else if (!this.said.has(text)) {
      this.said.add(text);
      this.logger.warn(`OpenTelemetry’s SDK says of its variables: ${text}`);
    }
  };

  readonly error = this.warn;
  readonly info = (): void => undefined;
  readonly debug = this.info;
  readonly verbose = this.info;
}

/** The SDK says the name of a part first, and behind its words what they are about. Errors it makes a JSON text of, with their stack. */
function textOf(words: readonly unknown[]): string {
  const texts = words.filter((word) => typeof word === 'string').map(messageOf);
  return texts.join(': ').slice(0, MOST);
}

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === 'string' ? message : text;
  } catch {
    return text;
  }
}
