import { writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { explain } from '../../../src/start-error.js';
import { ServiceProcess } from '../../support/service-process.js';
import { tasksFiles } from '../../support/tasks-file.js';
import { TestApp } from '../../support/test-app.js';

describe('the start of the service with a tasks file', () => {
  const write = tasksFiles();

  /** Starts the service, which must refuse; resolves with the lines that say why. */
  async function refusal(TASKS_FILE: string): Promise<string[]> {
    const error: unknown = await TestApp.start({ env: { TASKS_FILE } }).then(
      (service) => service.close(),
      (error: unknown) => error,
    );
    return explain(error).split('\n');
  }

  test('says how many tasks came from it, and takes the variables that headers name from the file .env as well, and reads the file again at SIGHUP', async () => {
    const file = write(`tasks:
  one: { subTasks: [{ kind: class, class: FirstSubTask }] }
  two: { subTasks: [{ kind: http, name: a, url: 'https://a.example/', headers: { A: '\${A_KEY}' } }] }
`);
    const other = write('tasks: { three: { subTasks: [{ kind: class, class: FirstSubTask }] } }');
    const service = await ServiceProcess.start({
      env: { DATABASE_URL: 'memory:' },
      envFile: `A_KEY=sesame\nTASKS_FILE=${file},${other}\n`,
    });
    expect(service.lines.map(({ msg }) => msg)).toContain(`3 tasks from ${file},${other}: one, two, three`);
    await service.http.get('/tasks/three').expect(200);
    await service.http.get('/tasks/two').expect(200);
    const answer = await service.http.post('/tasks/one/runs').expect(200);
    expect(answer.body).toMatchObject({ answeredBy: 'first' });
    writeFileSync(file, 'tasks: { four: { subTasks: [{ kind: class, class: FirstSubTask }] } }\n');
    service.signal('SIGHUP');
    await service.line(/^Reloaded: 2 tasks from .*: four, three$/);
    await service.http.get('/tasks/four').expect(200);
    await service.http.get('/tasks/two').expect(404);
    writeFileSync(file, 'tasks: { four: {} }\n');
    service.signal('SIGHUP');
    const { msg } = await service.line(/^Not reloaded, the tasks are as before/);
    expect(msg).toContain(`${file}:1:10: tasks.four.subTasks: is missing`);
    await service.http.get('/tasks/four').expect(200);
    await service.stop('SIGKILL');
  });

  test('is refused with each mistake, where it stands and how to mend it', async () => {
    const file = write(`tasks:
  demo: { subTasks: [{ kind: class, class: FirstSubTsk }] }
  t: { subTasks: [{ kind: http, name: a, url: 'https://a.example/', headers: { A: '\${A_KEY}' }, timeout: 2 }] }
  u: { subTasks: [{ kind: http, name: a, url: 'https://a.example/', headers: { A: '\${A_KEY}' } }] }
`);
    expect(await refusal(file)).toEqual([
      'TASKS_FILE is wrong:',
      `  ${file}:2:3: tasks.demo: is the name of a task of the code, DemoTask, too; rename one`,
      `  ${file}:2:44: tasks.demo.subTasks[0].class: is no class with @SubTask that a module provides; is FirstSubTask meant?`,
      `  ${file}:3:106: tasks.t.subTasks[0].timeout: takes a text such as "2s", not a number`,
      `  ${file}:4:83: tasks.u.subTasks[0].headers.A: takes the environment variable A_KEY, which is not set; set it`,
    ]);
  });

  test('is refused when the file isn’t there', async () => {
    expect(await refusal('nowhere.yaml')).toEqual([
      'TASKS_FILE is wrong:',
      '  nowhere.yaml: there is no such file; make it, or set another',
    ]);
  });
});
