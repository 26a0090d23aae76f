/** `npm run nodes` */
import { manageNodes } from './manage-nodes.js';

process.exitCode = await manageNodes(process.argv.slice(2), process);
