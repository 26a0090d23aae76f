import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { OnRunEvent, SubTask, TaskOf, type RunEvent, type SubTaskContext } from '../../../src/index.js';

/** A service of the host, which sub-tasks have injected. */
@Injectable()
export class Greetings {
  readonly told: RunEvent[] = [];
  of(language: string): string {
    return { en: 'Hello', es: 'Hola' }[language] ?? '?';
  }

  @OnRunEvent('run.replied', 'run.finished')
  onEvent(event: RunEvent<'run.replied' | 'run.finished'>): void {
    this.told.push(event);
  }
}

const person = z.object({ name: z.string().min(1), age: z.number().default(30) });

@SubTask({ name: 'english' })
export class English {
  constructor(private readonly greetings: Greetings) {}
  run({ name }: z.infer<typeof person>, { signal }: SubTaskContext): Promise<{ text: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ text: string }>();
    English.release = () => {
      resolve({ text: `${this.greetings.of('en')}, ${name}` });
    };
    signal.addEventListener('abort', () => {
      reject(new Error('aborted'));
    });
    return promise;
  }

  /** Lets the attempt that is under way end. */
  static release = (): void => undefined;
}

@SubTask({ name: 'spanish' })
export class Spanish {
  constructor(private readonly greetings: Greetings) {}
  run({ name, age }: z.infer<typeof person>): { text: string; age: number } {
    return { text: `${this.greetings.of('es')}, ${name}`, age };
  }
}

export class Greet extends TaskOf({ name: 'greet', input: person, subTasks: [English, Spanish] }) {}

/** Fails its first attempt. */
@SubTask({ name: 'flaky' })
export class Unsteady {
  run(_input: unknown, { attempt }: SubTaskContext): string {
    if (attempt === 1) throw new Error('the first attempt fails');
    return 'at the second attempt';
  }
}

export class Solo extends TaskOf({ name: 'solo', input: person, subTasks: [Spanish] }) {}

export class Flaky extends TaskOf({ name: 'flaky', subTasks: [Unsteady] }) {}
