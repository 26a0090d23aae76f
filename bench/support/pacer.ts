import { Agent, request } from 'node:http';
import type { PacedLoad } from './generator-protocol.ts';
import type { LapRecorder } from './lap-recorder.ts';

/** Milliseconds after which a request without an answer has failed. */
const TIME_OUT = 10_000;

/**
 * Sends requests evenly, where autocannon would send those of each second in a burst at its beginning.
 *
 * @returns what ends it
 */
export function startPacer(
  { url, rate, post = false, body = '' }: PacedLoad,
  recorder: LapRecorder,
): () => void {
  const agent = new Agent({ keepAlive: true, timeout: TIME_OUT });
  const startedAt = performance.now();
  const urls = [url].flat();
  let sent = 0;
  let stopped = false;

  const send = (): void => {
    const sentAt = performance.now();
    const sending = request(
      urls[sent % urls.length] ?? '',
      { agent, method: post ? 'POST' : 'GET', headers: body ? { 'content-type': 'application/json' } : {} },
      (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (text: string) => (answer += text));
        response.on('end', () => {
          if (stopped) return;
          if (post) recorder.sawReply(answer);
          else recorder.sawResult(answer);
          recorder.answered(response.statusCode ?? 0, performance.now() - sentAt);
        });
      },
    );
    sending.on('timeout', () => sending.destroy(new Error('timed out')));
    sending.on('error', () => {
      if (!stopped) recorder.failed();
    });
    sending.end(body);
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1000) * rate;
    for (; sent < due; sent++) send();
  }, 1);
  return () => {
    stopped = true;
    clearInterval(timer);
    agent.destroy();
  };
}
