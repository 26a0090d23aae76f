/** `npm run tasks` */
import { checkTasks } from './check-tasks.js';

process.exitCode = await checkTasks(process.argv.slice(2), process);
