import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Measures } from '../core/measures.js';
import { MemoryBudget, NEW_RUNS_SHARE } from '../core/memory-budget.js';
import { ConnectionMemory } from './connection-memory.js';

describe('ConnectionMemory', () => {
  let budget: MemoryBudget;
  let memory: ConnectionMemory;
  beforeEach(() => {
    budget = new MemoryBudget(400);
    memory = new ConnectionMemory(budget, new Measures());
  });

  function response(): ServerResponse {
    const socket = new Socket();
    const made = new ServerResponse(new IncomingMessage(socket));
    made.assignSocket(socket);
    return made;
  }

  test('counts an answer until it is sent, its connection is closed, or it is released', () => {
    const [sent, closed, released] = [response(), response(), response()];
    for (const each of [sent, closed, released]) memory.hold(each, 20);
    expect([memory.used, budget.used, memory.unsentAnswers]).toEqual([60, 60, 3]);
    sent.emit('finish');
    sent.emit('close');
    expect(memory.used).toBe(40);
    closed.emit('close');
    expect(memory.used).toBe(20);
    memory.release(released);
    memory.release(released);
    expect([memory.used, budget.used, memory.unsentAnswers]).toEqual([0, 0, 0]);
  });

  test('counts what is written later to the same caller in place of what was', () => {
    const stream = response();
    for (let bytes = 1; bytes <= 20; bytes += 1) memory.hold(stream, bytes);
    expect(memory.used).toBe(20);
    expect(stream.listenerCount('close')).toBe(1);
    memory.release(stream);
    expect([memory.used, stream.listenerCount('finish'), stream.listenerCount('close')]).toEqual([0, 0, 0]);
  });

  test('cuts off those that wait the longest, as many as it must, and never the newest', () => {
    const all = [response(), response(), response(), response()];
    const cutOff = () => all.map(({ destroyed }) => destroyed);
    const [first, second, third, fourth] = all as [
      ServerResponse,
      ServerResponse,
      ServerResponse,
      ServerResponse,
    ];
    memory.hold(first, 40);
    memory.hold(second, 40);
    expect(cutOff()).toEqual([false, false, false, false]);
    memory.hold(third, 40);
    expect(cutOff()).toEqual([true, false, false, false]);
    expect(memory.used).toBe(80);
    memory.hold(fourth, 500);
    expect(cutOff()).toEqual([true, true, true, false]);
    expect(memory.used).toBe(500);
  });

  test('counts nothing for a caller that has hung up', () => {
    const gone = response();
    gone.socket?.emit('close');
    memory.hold(gone, 20);
    expect(memory.used).toBe(0);
  });

  test('has room for a quarter of the budget, which leaves some for new runs, and for no more than what is left of all', () => {
    expect(memory.take(101)).toBe(false);
    expect(memory.take(100)).toBe(true);
    expect(memory.take(1)).toBe(false);
    expect(budget.fits(99, NEW_RUNS_SHARE)).toBe(true);
    memory.give(100);
    budget.take(350);
    expect(memory.take(51)).toBe(false);
    expect(memory.take(50)).toBe(true);
  });
});
