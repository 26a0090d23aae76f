/** A run is set aside after this many starts, or nodes, in a row have resumed it and died. */
export const MOST_STARTS = 5;
/** A node that lives for longer than this, in milliseconds, is not counted as having died over the runs that it resumed. */
export const SURVIVAL_MS = 600_000;
