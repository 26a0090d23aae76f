import { describe, expect, test } from '@jest/globals';
import { ByteCollector } from './byte-collector.js';

describe('ByteCollector', () => {
  const collected = (limit: number, chunks: readonly string[]) => {
    const collector = new ByteCollector(limit);
    for (const chunk of chunks) collector.add(Buffer.from(chunk));
    return collector.bytes;
  };

  test('brings back what came, in whichever chunks', () => {
    expect(collected(100, []).toString()).toBe('');
    expect(collected(100, ['whole']).toString()).toBe('whole');
    expect(collected(100, ['', 'a', 'bc', '', 'def']).toString()).toBe('abcdef');
  });

  test('keeps what there is room for', () => {
    expect(collected(3, ['abcdef']).toString()).toBe('abc');
    expect(collected(3, ['ab', 'cd', 'ef']).toString()).toBe('abc');
  });

  test('holds no more memory than its limit, also for bytes that come one by one', () => {
    const bytes = collected(
      100_000,
      Array.from({ length: 100_001 }, () => 'x'),
    );
    expect(bytes).toHaveLength(100_000);
    expect(bytes.buffer.byteLength).toBe(100_000);
  });

  test('changes no chunk that it was given', () => {
    const first = Buffer.from('first and more').subarray(0, 5);
    const collector = new ByteCollector(100);
    collector.add(first);
    collector.add(Buffer.from('XXXX'));
    expect(Buffer.from(first.buffer, first.byteOffset, 14).toString()).toBe('first and more');
  });
});
