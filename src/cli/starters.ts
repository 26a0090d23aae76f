/** The file that `frontrunner init tasks` writes. It works unchanged. */
export const tasksFile = `# yaml-language-server: $schema=./tasks.schema.json
# Tasks for Frontrunner.
#   frontrunner check tasks.yaml             finds mistakes
#   frontrunner serve tasks.yaml --watch     serves the tasks at port 3000, and reads this file again when it has changed
#   frontrunner run hello --wait             calls the task
defaults:
  http:
    timeout: 2s
    allowPrivate: true # because these addresses are on this machine; leave it out for what is on the internet
tasks:
  hello:
    # What a call may have as its input; without, anything:
    # input: { type: object, required: [city], properties: { city: { type: string } } }
    #
    # The service itself, at port 3000, stands for your upstreams. With another port, change it in both URLs.
    # The first that succeeds is the answer.
    subTasks:
      - name: first
        kind: http
        url: http://127.0.0.1:3000/health/live
      - name: second
        kind: http
        url: http://127.0.0.1:3000/health/ready
        start: { after: 200ms } # called only when first is slower than that, or fails
`;

/** The file that `frontrunner init nest` writes. */
export const nestModule = `import { setTimeout } from 'node:timers/promises';
import { FrontrunnerModule, SubTask, Task, type SubTaskContext } from '@frontrunner/nestjs';
import { Module } from '@nestjs/common';

@SubTask({ name: 'english', timeout: '2s', retry: { attempts: 3 } })
export class English {
  async run({ name }: { name: string }, { signal }: SubTaskContext): Promise<string> {
    await setTimeout(50, undefined, { signal }); // stands for a slow call
    return \`Hello, \${name}\`;
  }
}

@SubTask({ name: 'spanish' })
export class Spanish {
  run({ name }: { name: string }): string {
    return \`Hola, \${name}\`;
  }
}

// Both start at once. The first that succeeds is the answer; the other goes on in the background.
@Task({ name: 'greet', subTasks: [English, Spanish] })
export class Greet {}

@Module({
  imports: [
    FrontrunnerModule.forRoot({ database: 'sqlite:./data/app.db' }),
    FrontrunnerModule.forFeature([Greet, English, Spanish]),
  ],
})
export class GreetModule {}
`;
