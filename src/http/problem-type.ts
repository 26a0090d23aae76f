/** A kind of error that callers may get: the status and title of its problem document, and the texts of the page about it. */
export interface ProblemType {
  readonly status: number;
  readonly title: string;
  /** What happened. */
  readonly happened: string;
  /** What the caller can do. */
  readonly mend: string;
}
