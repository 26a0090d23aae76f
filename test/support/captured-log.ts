import type { LoggerService } from '@nestjs/common';

export interface LogLine {
  readonly level: 'log' | 'warn' | 'error' | 'debug' | 'verbose' | 'fatal';
  readonly msg: string;
  readonly runId?: string;
  readonly subTask?: string;
  readonly err?: unknown;
}

/** Keeps what is logged, so that tests can read it. */
export class CapturedLog implements LoggerService {
  readonly lines: LogLine[] = [];
  private readonly waiting = new Set<() => void>();

  readonly log = this.keep('log');
  readonly warn = this.keep('warn');
  readonly error = this.keep('error');
  readonly debug = this.keep('debug');
  readonly verbose = this.keep('verbose');
  readonly fatal = this.keep('fatal');

  /** The first line that `matches`, as soon as it is there. */
  said(matches: (line: LogLine) => boolean): Promise<LogLine> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = this.lines.find(matches);
        if (!found) return;
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** The messages about one run, in their order. */
  messagesOf(runId: string): string[] {
    return this.lines.filter((line) => line.runId === runId).map(({ msg }) => msg);
  }

  /** The first line whose message matches, as soon as it is there. */
  line(message: RegExp): Promise<LogLine> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = this.lines.find(({ msg }) => message.test(msg));
        if (!found) return;
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  private keep(level: LogLine['level']) {
    return (message: unknown): void => {
      this.lines.push({ level, ...fieldsOf(message) });
      for (const check of [...this.waiting]) check();
    };
  }
}

function fieldsOf(message: unknown): Omit<LogLine, 'level'> {
  if (message instanceof Error) return { msg: message.message, err: message };
  return typeof message === 'object' && message !== null ? (message as LogLine) : { msg: String(message) };
}
