import { loggerOf } from '../../core/logger-of.js';

const logger = loggerOf('journal');

/**
 * Logs how far a log reaches that was not closed by a stop.
 *
 * @param time the time of its last event
 * @param missing the last event that was told, if it is missing
 */
export function sayEnd(lastId: number, time: string | undefined, missing: number | undefined): void {
  const of = time === undefined ? '' : ` of ${time}`;
  const reaches = `No stop has closed the log; it reaches event ${lastId}${of}`;
  if (missing === undefined) logger.log(reaches);
  else logger.error(`${reaches}, and those up to ${missing} are lost, as JOURNAL_DURABILITY=process allows`);
}
