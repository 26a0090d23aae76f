/** A run that so many starts, or nodes, in a row have resumed and died over is set aside. */
export const MOST_STARTS = 5;
/** Who dies later than this, in milliseconds, has not died over the runs that it resumed. */
export const SURVIVAL_MS = 600_000;
