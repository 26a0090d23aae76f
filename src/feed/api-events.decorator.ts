import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiQuery, ApiResponse } from '../http/open-api.js';
import { EXAMPLE_EVENT } from '../core/event.schema.js';
import { DEFAULT_EVENTS, MAX_EVENTS } from './events.schemas.js';
import { eventText, OPENING } from './server-sent-events.js';

const EXAMPLE = OPENING + eventText(EXAMPLE_EVENT);

const DESCRIPTION = `Events, in the order in which they were recorded.

- \`Accept: application/json\`, or no preference: a page. \`next\` is the \`after\` of the next one.
- \`Accept: text/event-stream\`: a stream (WHATWG server-sent events), as \`EventSource\` reads it. \`id\` is the event’s number,
  \`event\` its type, \`data\` the event as \`RunEvent\` describes it. An event of the type \`cursor\`, such as
  \`{"id":17,"type":"cursor"}\`, says up to which id the reader has all: at the beginning where the reader has named no id, and
  every 15 s where the log has gone on without an event for it. Else a comment comes every 15 s. A reader that takes nothing of what was sent for 10 s is dropped; by \`Last-Event-ID\` whoever
  comes back gets what was missed, without gap or repeat. A stop of the service ends the stream.

An id behind the end of the log is taken for one of another log: the answer begins at the beginning.`;

/** Documents what both routes of events share. */
export function ApiEvents(): MethodDecorator {
  return applyDecorators(
    ApiQuery({
      name: 'after',
      required: false,
      schema: { type: 'integer', minimum: 0, example: 4 },
      description: 'The id that the events come behind.',
    }),
    ApiQuery({
      name: 'limit',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: MAX_EVENTS, default: DEFAULT_EVENTS, example: 10 },
      description:
        'How many events a page has at most; it has fewer where they are large. Streams have no limit.',
    }),
    ApiHeader({
      name: 'Last-Event-ID',
      required: false,
      schema: { type: 'integer', minimum: 0, example: 4 },
      description: 'For streams: the id of the last event that was received. It goes before `after`.',
    }),
    ApiResponse({
      status: 200,
      description: DESCRIPTION,
      content: {
        'application/json': { schema: { $ref: '#/components/schemas/EventPage' } },
        'text/event-stream': { schema: { type: 'string' }, example: EXAMPLE },
      },
    }),
  );
}
