import { describe, expect, test } from '@jest/globals';
import { PrometheusMeter } from './prometheus-meter.js';

describe('PrometheusMeter', () => {
  test('writes a histogram as counts of all values up to each bound', () => {
    const meter = new PrometheusMeter();
    const histogram = meter.createHistogram('a.b', {
      unit: 's',
      description: 'How long',
      advice: { explicitBucketBoundaries: [0.1, 1] },
    });
    const attributes = { 'task.name': 'say "hi"\\\n' };
    for (const value of [0.1, 0.5, 2]) histogram.record(value, attributes);
    expect(meter.text()).toBe(`# HELP a_b_seconds How long
# TYPE a_b_seconds histogram
a_b_seconds_bucket{task_name="say \\"hi\\"\\\\\\n",le="0.1"} 1
a_b_seconds_bucket{task_name="say \\"hi\\"\\\\\\n",le="1"} 2
a_b_seconds_bucket{task_name="say \\"hi\\"\\\\\\n",le="+Inf"} 3
a_b_seconds_sum{task_name="say \\"hi\\"\\\\\\n"} 2.6
a_b_seconds_count{task_name="say \\"hi\\"\\\\\\n"} 3
`);
  });

  test('asks for the rest when it is read, and forgets a gauge of which nothing is told any more', () => {
    const meter = new PrometheusMeter();
    const counter = meter.createObservableCounter('done', { description: 'All' });
    const gauge = meter.createObservableGauge('used', { unit: 'By', description: 'Now' });
    let now: number | undefined = 7;
    const observe: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
      result.observe(counter, 3);
      if (now !== undefined) result.observe(gauge, now);
    };
    meter.addBatchObservableCallback(observe);
    const head =
      '# HELP done_total All\n# TYPE done_total counter\ndone_total 3\n# HELP used_bytes Now\n# TYPE used_bytes gauge\n';
    expect(meter.text()).toBe(`${head}used_bytes 7\n`);
    now = undefined;
    expect(meter.text()).toBe(head);
    meter.removeBatchObservableCallback(observe);
    now = 8;
    expect(meter.text()).toBe(head);
  });
});
