import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SdkWarnings } from './sdk-warnings.js';

describe('what OpenTelemetry’s SDK complains of', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('is a line for each variable, once, and after the start one a minute in words', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const said = (): unknown[] => warn.mock.calls.splice(0).map(([line]) => line as unknown);
    const warnings = new SdkWarnings();
    for (const text of ['A is bad', 'B is bad', 'A is bad']) warnings.warn(text);
    expect(said()).toEqual([
      'OpenTelemetry’s SDK says of its variables: A is bad',
      'OpenTelemetry’s SDK says of its variables: B is bad',
    ]);
    warnings.start();
    warnings.error(JSON.stringify({ stack: 'Error: no\n    at x', message: 'no' }));
    warnings.warn('more');
    expect(said()).toEqual(['Telemetry could not be exported, which goes on being tried: no']);
    const other = new SdkWarnings();
    other.start();
    other.warn('Exporter', 'It answered ' + 'x'.repeat(1_000), new Error('left out'));
    const [line] = said() as string[];
    expect(line).toMatch(/: Exporter: It answered x+$/);
    expect(line!.length).toBeLessThan(600);
  });
});
