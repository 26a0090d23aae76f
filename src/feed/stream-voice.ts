import type { Request } from 'express';
import type { DomainError } from '../core/domain-error.js';
import { linkTo } from '../http/links.js';
import { problem } from '../http/problems.js';
import type { Answer } from '../tasks/started-run.js';
import { messageText, OPENING } from './server-sent-events.js';
import type { ChunkMessage, ReplyMessage, RestartMessage } from './stream-messages.js';

/** The format in which one reader gets the stream of a run. Empty texts are not written. */
export interface StreamVoice {
  /** Text at the beginning of the answer. */
  readonly opening: string;
  /** Whether the answer begins only with the first message. So an error before that can still have its own HTTP status. */
  readonly waits: boolean;
  /** Whether the last message ends the answer, although the run goes on. */
  readonly isOver: boolean;
  chunk(message: ChunkMessage): string;
  restart(message: RestartMessage): string;
  reply(message: ReplyMessage, answer: Answer): string | Promise<string>;
  /** @param message the reply with the error; undefined when the service ends the stream before there is a reply */
  error(message: ReplyMessage | undefined, error: DomainError): string;
}

/** Server-sent events, each with its number in the log. A reader whose stream ends without a reply connects again. */
export class EventVoice implements StreamVoice {
  readonly opening = OPENING;
  readonly waits = false;
  readonly isOver = false;

  constructor(private readonly request: Request) {}

  chunk({ event, id, ...data }: ChunkMessage): string {
    return messageText(event, data, id);
  }

  restart({ event, ...data }: RestartMessage): string {
    return messageText(event, data);
  }

  reply({ id, task }: ReplyMessage, answer: Answer): string {
    const { runId } = answer;
    const links = { run: this.link(`/runs/${runId}`), task: this.link(`/tasks/${task}`) };
    return messageText('run.replied', { id: runId, ...answer, links }, id);
  }

  error(message: ReplyMessage | undefined, error: DomainError): string {
    if (!message) return '';
    const place = { base: this.link(''), path: `/tasks/${message.task}/runs` };
    return messageText('error', problem(error.code, error.message, place, error.details), message.id);
  }

  private link(path: string): string {
    return linkTo(this.request, path);
  }
}
