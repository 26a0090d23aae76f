import { Module } from '@nestjs/common';
import { TasksModule } from '../tasks/tasks.module.js';
import { DemoController } from './demo.controller.js';
import { DemoClock, FirstSubTask, SecondSubTask, ThirdSubTask } from './demo.sub-tasks.js';
import { DemoTask } from './demo.task.js';

/** The example that the project grew out of: three sleeps of 1, 5 and 3 seconds. */
@Module({
  imports: [TasksModule],
  controllers: [DemoController],
  providers: [DemoClock, DemoTask, FirstSubTask, SecondSubTask, ThirdSubTask],
})
export class DemoModule {}
