/** `npm run journal` */
import { manageJournal } from './manage-journal.js';

process.exitCode = await manageJournal(process.argv.slice(2), process);
