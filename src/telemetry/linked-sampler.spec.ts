import { describe, expect, test } from '@jest/globals';
import { ROOT_CONTEXT, SpanKind, trace, type SpanContext } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { samplerOf } from './linked-sampler.js';

const span = (traceFlags: number): SpanContext => ({
  traceId: '1'.repeat(32),
  spanId: '2'.repeat(16),
  traceFlags,
});

describe('the sampler of the service', () => {
  const isSampled = (sampler: ReturnType<typeof samplerOf>, linked?: number, parent?: number) => {
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, span(parent));
    const links = linked === undefined ? [] : [{ context: span(linked) }];
    const { decision } = sampler!.shouldSample(context, 'f'.repeat(32), 'name', SpanKind.INTERNAL, {}, links);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };

  test('samples what goes on after the reply of a run that is sampled, whatever the ratio', () => {
    const sampler = samplerOf('parentbased_traceidratio', '0');
    expect([isSampled(sampler), isSampled(sampler, 1), isSampled(sampler, 0)]).toEqual([false, true, false]);
    expect([isSampled(sampler, 1, 0), isSampled(sampler, undefined, 1)]).toEqual([false, true]);
  });

  test.each([
    ['always_on', undefined, true, true],
    ['traceidratio', '0', false, false],
    ['traceidratio', 'half', true, true],
    ['', '', true, false],
    ['parentbased_always_on', undefined, true, false],
    ['parentbased_always_off', undefined, false, false],
    [undefined, undefined, true, false],
  ])('is that of %s for all others', (name, ratio, root, child) => {
    const sampler = samplerOf(name, ratio);
    expect([isSampled(sampler), isSampled(sampler, undefined, 0)]).toEqual([root, child]);
  });

  test('leaves to the SDK what it turns off, and what it doesn’t know', () => {
    expect([samplerOf('always_off'), samplerOf('mine')]).toEqual([undefined, undefined]);
  });
});
