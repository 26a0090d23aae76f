import { describe, expect, test } from '@jest/globals';
import { events } from '../../test/support/run-events.js';
import { eventView } from '../core/events.js';
import { eventText, fitting, headOf, parseEvents, rowOf, textsOf, textsOfRun } from './event-text.js';

const time = '2026-01-01T00:00:00.000Z';
const stored = [
  events.started('r1', { text: 'a "quoted",\n{"id":1} line', list: [1.5, null, 'ü'] }),
  events.succeeded('r2', { runId: 'r1', task: 'task' }),
  events.attempt('r1'),
].map((event, at) => ({ id: at + 1, time, ...event }));
const texts = stored.map((event) => eventText(event));

describe('the text of an event', () => {
  test('is what clients of the API get', () => {
    expect(texts).toEqual(stored.map((event) => JSON.stringify(eventView(event))));
  });

  test('says at its beginning what it is and of which run', () => {
    expect(texts.map(headOf)).toEqual(stored.map(({ id, type, runId, task }) => ({ id, type, runId, task })));
    expect(headOf('{"id":1,"type":')).toBeUndefined();
  });

  test('says at its beginning who started the run, as the API does by name', () => {
    const event = { ...stored[0]!, client: 'ci:0a1b' };
    expect(headOf(eventText(event))).toEqual({
      id: 1,
      type: 'run.started',
      runId: 'r1',
      task: 'task',
      client: 'ci:0a1b',
    });
    expect(eventText(event).replace('ci:0a1b', 'ci')).toEqual(JSON.stringify(eventView(event)));
  });

  test('says at its beginning what labels its run has, whatever is in them', () => {
    const labels = { a: '"b":"c"', b: '}],"data":{\\', data: 'x"' };
    const event = { ...stored[2]!, client: 'ci', labels };
    const text = eventText(event);
    expect(JSON.parse(text)).toEqual(event);
    expect(text).toBe(JSON.stringify(eventView({ ...event, client: 'ci:' })));
    const fits = (...labels: string[]) => fitting({ after: 0, limit: 1, labels })(headOf(text)!);
    expect(fits('a:"b":"c"', 'data:x"')).toBe(true);
    expect([fits('b:c'), fits('a:"b"'), fits('data:x'), fits('b:}],"data":{')]).toEqual(Array(4).fill(false));
  });

  test('is a line of a row that is JSON', () => {
    const row = rowOf(texts);
    expect(row.split('\n')).toHaveLength(3);
    expect(JSON.parse(row)).toEqual(stored);
    expect(parseEvents(textsOf(row))).toEqual(stored);
    expect(textsOf(rowOf([]))).toEqual([]);
  });

  test('is found by its run, and not by what data says', () => {
    expect(textsOfRun(rowOf(texts), 'r1')).toEqual([texts[0], texts[2]]);
    expect(textsOfRun(rowOf(texts), 'r2')).toEqual([texts[1]]);
    expect(textsOfRun(rowOf(texts), 'r')).toEqual([]);
  });
});
