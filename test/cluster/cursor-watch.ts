import type { Cluster } from './cluster.ts';

interface Step {
  readonly webhook: string;
  readonly before: number;
  readonly after: number;
}

/** Has Postgres note each cursor of a webhook that goes back: whoever has lost a webhook must not move it. */
export async function watchCursors(cluster: Cluster): Promise<void> {
  await cluster.rows(`
    CREATE TABLE public.cursors_back (webhook text, before bigint, after bigint);
    CREATE FUNCTION public.note_cursor() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO public.cursors_back VALUES (new.id, old.cursor, new.cursor);
        RETURN NULL;
      END $$;
    CREATE TRIGGER cursor_back AFTER UPDATE ON webhooks FOR EACH ROW WHEN (new.cursor < old.cursor)
      EXECUTE FUNCTION public.note_cursor()`);
}

/** @returns what is wrong */
export async function proveCursors(cluster: Cluster): Promise<string[]> {
  const steps = await cluster.rows<Step>('SELECT * FROM public.cursors_back LIMIT 5');
  return steps.map(
    ({ webhook, before, after }) =>
      `The cursor of the webhook ${webhook} went back from event ${String(before)} to event ${String(after)}`,
  );
}
