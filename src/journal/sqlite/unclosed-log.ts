import { loggerOf } from '../../core/logger-of.js';

const logger = loggerOf('journal');

/**
 * Says how far a log reaches that no stop has closed.
 *
 * @param time that of its last event
 * @param missing the last event that was told, where it is missing
 */
export function sayEnd(lastId: number, time: string | undefined, missing: number | undefined): void {
  const of = time === undefined ? '' : ` of ${time}`;
  const reaches = `No stop has closed the log; it reaches event ${lastId}${of}`;
  if (missing === undefined) logger.log(reaches);
  else logger.error(`${reaches}, and those up to ${missing} are lost, as JOURNAL_DURABILITY=process allows`);
}
