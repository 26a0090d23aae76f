/** A kind of error that a caller may meet: the title and status of its problem document, and its page. */
export interface ProblemType {
  readonly status: number;
  readonly title: string;
  /** What happened. */
  readonly happened: string;
  /** What the caller can do. */
  readonly mend: string;
}
