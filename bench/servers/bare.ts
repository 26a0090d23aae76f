/**
 * The floor: what Node needs for the same answer with no framework, no journal, no events and no log.
 * DEMO_TIME_SCALE scales the sleeps: 1 is seconds (the default), 0.001 milliseconds.
 */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const millisecondsPerUnit = 1000 * Number(process.env.DEMO_TIME_SCALE ?? '1');

const server = createServer((_request, response) => {
  void Promise.race([
    sleep(1 * millisecondsPerUnit, 'First result'),
    sleep(5 * millisecondsPerUnit, 'Second result'),
    sleep(3 * millisecondsPerUnit, 'Third result'),
  ]).then((result) => {
    const body = JSON.stringify({ result });
    response
      .writeHead(200, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
      })
      .end(body);
  });
});

server.listen(Number(process.env.PORT ?? '3000'), process.env.HOST ?? '127.0.0.1');
