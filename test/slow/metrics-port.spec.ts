import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from '@jest/globals';
import supertest from 'supertest';
import { TestApp } from '../support/test-app.js';

test('METRICS_PORT closes connections that say nothing, so that they keep no scraper out', async () => {
  const service = await TestApp.start({ env: { METRICS_PORT: '0' } });
  const { msg } = await service.log.line(/^Metrics: http:/);
  const { port, origin } = new URL(/http:\S+/.exec(msg)![0]);
  const silent = Array.from({ length: 20 }, () => connect(Number(port), '127.0.0.1'));
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  await Promise.all(silent.map((socket) => once(socket.resume(), 'close')));
  await supertest(origin).get('/metrics').expect(200);
  await service.close();
});
