import { EXAMPLE_RUN_ID } from '../core/run.js';

const CHUNK = { subTask: 'first', attempt: 1, first: 0, chunks: ['Hel', 'lo'] };
const REPLY = {
  id: EXAMPLE_RUN_ID,
  runId: EXAMPLE_RUN_ID,
  task: 'chat',
  status: 'running',
  result: 'Hello',
  answeredBy: 'first',
  background: ['second'],
  links: { run: `/runs/${EXAMPLE_RUN_ID}`, task: '/tasks/chat' },
};

/** Describes the messages of a run's stream, for the OpenAPI document. */
export const STREAM_MESSAGES = `The messages of a run’s stream (WHATWG server-sent events). Each says in \`id\` which event of the log it is made of.

- \`chunk\`: \`{"subTask","attempt","first","chunks"}\`: chunks of the stream that won, in groups as they were recorded. \`first\` is the place of the
  first of them in that stream, from 0.
- \`restart\`: \`{"subTask","attempt"}\`: what was shown before is void, for that stream broke off. It comes right before the first \`chunk\` of the one that
  takes its place, and has no \`id\`.
- \`run.replied\`: what the answer is without a stream. The stream ends.
- \`error\`: the problem that the answer is without a stream. The stream ends.

A comment comes every 15 s. A stop of the service ends the stream without a reply; by \`Last-Event-ID\` at \`/runs/{id}/stream\`, whoever comes back gets what was
missed. No message with an \`id\` is sent twice; \`restart\` may be. Under reply policies that make a reply of several results (\`quorum\`, \`all\`, \`deadline\`,
\`agreement\`) no chunk is shown. A reader that takes nothing of what was sent for 10 s is dropped.`;

export const STREAM_CONTENT = {
  'text/event-stream': {
    schema: { type: 'string' as const },
    example:
      'retry: 2000\n' +
      `id: 5\nevent: chunk\ndata: ${JSON.stringify(CHUNK)}\n\n` +
      `id: 7\nevent: run.replied\ndata: ${JSON.stringify(REPLY)}\n\n`,
  },
};
