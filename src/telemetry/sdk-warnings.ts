import type { DiagLogger } from '@opentelemetry/api';
import { loggerOf } from '../core/logger-of.js';
import { Seldom } from '../http/seldom.js';

/** Longest message of the SDK in a line, in characters. */
const MOST = 500;

/**
 * Logs the SDK's complaints. Before its start, these are about variables, and each is logged. After that, a collector that can’t be
 * reached makes every export fail: this is logged once a minute, with a count.
 */
export class SdkWarnings implements DiagLogger {
  private readonly logger = loggerOf('telemetry');
  private readonly seldom = new Seldom(this.logger);
  private readonly said = new Set<string>();
  private started = false;

  /** To be called when the SDK has started. Later complaints aren't about variables. */
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

/** The SDK names a part first, and appends objects to its message. It turns errors into JSON text, with their stacks. */
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
