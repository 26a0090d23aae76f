import { describe, expect, jest, test } from '@jest/globals';
import type { Request, RequestHandler, Response } from 'express';
import { inTurn } from './in-turn.js';

const pass: RequestHandler = (_request, _response, next) => {
  next();
};
const call = (...handlers: RequestHandler[]) => {
  const next = jest.fn();
  const run = () => void inTurn(...handlers)({} as Request, {} as Response, next);
  return { next, run };
};

describe('handlers in turn', () => {
  test('go on to what is behind them when all have passed on', () => {
    const { next, run } = call(pass, pass);
    run();
    expect(next.mock.calls).toEqual([[undefined]]);
  });

  test('end with the one that answers', () => {
    const behind = jest.fn<RequestHandler>();
    const { next, run } = call(pass, () => undefined, behind);
    run();
    expect(behind).not.toHaveBeenCalled();
    expect(next).not.toHaveBeenCalled();
  });

  test('leave out the rest for a reason that is handed on', () => {
    const behind = jest.fn<RequestHandler>();
    const { next, run } = call((_request, _response, goOn) => {
      goOn('router');
    }, behind);
    run();
    expect(behind).not.toHaveBeenCalled();
    expect(next.mock.calls).toEqual([['router']]);
  });

  test('throw what one throws at once, and hand on what one throws later, or what is thrown behind it', async () => {
    const refusal = new Error('refused');
    const refuse: RequestHandler = () => {
      throw refusal;
    };
    expect(call(pass, refuse).run).toThrow(refusal);

    const late: RequestHandler = async (_request, _response, next) => {
      await Promise.resolve();
      next();
    };
    const { next, run } = call(pass, late, pass, refuse);
    run();
    await new Promise(setImmediate);
    expect(next.mock.calls).toEqual([[refusal]]);
  });
});
