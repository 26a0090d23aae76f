import { describe, expect, test } from '@jest/globals';
import { parseTraceparent } from './traceparent.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

describe('parseTraceparent', () => {
  test.each(['00', '01', 'ff'])('keeps version 00 as it is, with the flags %s', (flags) => {
    const header = `00-${TRACE}-${PARENT}-${flags}`;
    expect(parseTraceparent(header)).toBe(header);
  });

  test.each([`01-${TRACE}-${PARENT}-01`, `cc-${TRACE}-${PARENT}-01-what-the-future-will-be-like`])(
    'reads a higher version as far as version 00 knows it: %s',
    (header) => {
      expect(parseTraceparent(header)).toBe(`00-${TRACE}-${PARENT}-01`);
    },
  );

  test.each([
    ['empty', ''],
    ['the version that is forbidden', `ff-${TRACE}-${PARENT}-01`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['a parent id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['an upper-case trace id', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ['an upper-case parent id', `00-${TRACE}-${PARENT.toUpperCase()}-01`],
    ['a trace id that is too short', `00-${TRACE.slice(1)}-${PARENT}-01`],
    ['flags that are too long', `00-${TRACE}-${PARENT}-011`],
    ['no flags', `00-${TRACE}-${PARENT}`],
    ['more than version 00 has', `00-${TRACE}-${PARENT}-01-more`],
    ['a higher version that adds without a dash', `01-${TRACE}-${PARENT}-01.more`],
    ['no hexadecimal digits', `00-${'z'.repeat(32)}-${PARENT}-01`],
    ['two values', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
  ])('ignores %s', (_what, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});
