/** An application as users write one, which `test/slow/consumers.spec.ts` compiles and runs beside the packed library. */
import { Controller, Get, Global, Injectable, Module } from '@nestjs/common';
import {
  Frontrunner,
  FrontrunnerModule,
  OnRunEvent,
  SubTask,
  TaskOf,
  type RunEvent,
} from '@frontrunner/nestjs';
import { z } from 'zod';

@Injectable()
export class Greetings {
  readonly told: string[] = [];

  of(language: 'en' | 'es'): string {
    return { en: 'Hello', es: 'Hola' }[language];
  }

  @OnRunEvent('run.finished')
  onFinished({ type }: RunEvent<'run.finished'>): void {
    this.told.push(type);
  }
}

@Global()
@Module({ providers: [Greetings], exports: [Greetings] })
class GreetingsModule {}

const person = z.object({ name: z.string().min(1) });

@SubTask({ name: 'english' })
class English {
  constructor(private readonly greetings: Greetings) {}

  async run({ name }: z.infer<typeof person>): Promise<{ text: string }> {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { text: `${this.greetings.of('en')}, ${name}` };
  }
}

@SubTask({ name: 'spanish' })
class Spanish {
  constructor(private readonly greetings: Greetings) {}

  run({ name }: z.infer<typeof person>): { text: string } {
    return { text: `${this.greetings.of('es')}, ${name}` };
  }
}

export class Greet extends TaskOf({ name: 'greet', input: person, subTasks: [English, Spanish] }) {}

@Controller('own')
class OwnController {
  constructor(private readonly frontrunner: Frontrunner) {}

  @Get()
  async greet(): Promise<string> {
    const run = await this.frontrunner.start(Greet, { name: 'Ada' });
    const { result, answeredBy } = await run.reply({ wait: '5s' });
    const text: string = result.text;
    await run.finished();
    return `${text} (${answeredBy})`;
  }
}

@Module({
  imports: [
    GreetingsModule,
    FrontrunnerModule.forRoot({ database: 'sqlite:./runs.db', http: { path: 'frontrunner' } }),
    FrontrunnerModule.forFeature([Greet, English, Spanish]),
  ],
  controllers: [OwnController],
})
export class AppModule {}

/** The compiler knows what a task takes. */
export function misuse(frontrunner: Frontrunner): Promise<unknown> {
  // @ts-expect-error -- `nam` is no `name`
  return frontrunner.start(Greet, { nam: 'Ada' });
}
