import { Task } from '../tasks/task.js';
import { FirstSubTask, SecondSubTask, ThirdSubTask } from './demo.sub-tasks.js';

@Task({ name: 'demo', subTasks: [FirstSubTask, SecondSubTask, ThirdSubTask] })
export class DemoTask {}
