/** `npm run keys`. Node runs it from here as well, so its imports end in .ts. */
import { manageKeys } from './manage-keys.ts';

process.exitCode = await manageKeys(process.argv.slice(2), process);
