/** `npm run queue` */
import { manageQueue } from './manage-queue.js';

process.exitCode = await manageQueue(process.argv.slice(2), process);
