import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { Greetings } from './app.module.js';
import { makeApp } from './make-app.js';

const PAGE = ['', 'main.js', 'vendor/preact.js', 'vendor/htm.js', 'vendor/uplot.js'];

async function answer(url: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: { 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
}

async function tryOut(app: INestApplication): Promise<void> {
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  const face = `${url}/frontrunner`;
  const seen = {
    own: await answer(`${url}/own`),
    run: await answer(`${face}/tasks/greet/runs`, { input: { name: 'Grace' } }),
    refused: await answer(`${face}/tasks/greet/runs`, { input: { name: '' } }),
    runs: await answer(`${face}/runs?limit=1`),
    document: await answer(`${face}/openapi.json`),
    page: await Promise.all(PAGE.map(async (file) => (await fetch(`${face}/ui/${file}`)).status)),
  };
  // Resolves when all runs have finished; the process then ends by itself, as nothing is left open.
  await app.close();
  process.stdout.write(JSON.stringify({ ...seen, told: app.get(Greetings).told }));
}

void makeApp().then(tryOut);
