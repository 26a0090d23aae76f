import { bulkhead } from 'cockatiel';
import { sql, type Kysely } from 'kysely';
import { MOST_NOTES, type Note, type Notes } from '../../run/notes.js';
import { asking, storable } from './asking.js';

/** How many queries run at once. A batch claims a thousand notes, and commits need connections too. */
const AT_ONCE = 8;

export interface NoteTables {
  /** Times are milliseconds since 1970 in UTC. */
  notes: { kind: string; name: string; text: string; until: number };
}

export async function createNotes(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE notes (
      kind text COLLATE "C" NOT NULL,
      name text COLLATE "C" NOT NULL,
      text text NOT NULL,
      until bigint NOT NULL,
      PRIMARY KEY (kind, name))`.execute(db);
  await sql`CREATE INDEX notes_by_end ON notes (until)`.execute(db);
}

/** Notes that all nodes share in the database. */
export class PostgresNotes implements Notes {
  private readonly atOnce = bulkhead(AT_ONCE, Infinity);

  constructor(
    private readonly db: Kysely<NoteTables>,
    private readonly now: () => number,
  ) {}

  all(kind: string): Promise<readonly Note[]> {
    const asked = this.db.selectFrom('notes').selectAll().where('kind', '=', kind);
    return this.ask(() => asked.where('until', '>', this.now()).execute());
  }

  find(kind: string, name: string): Promise<Note | undefined> {
    const asked = this.db.selectFrom('notes').selectAll().where('kind', '=', kind);
    const named = asked.where('name', '=', storable(name)).where('until', '>', this.now());
    return this.ask(() => named.executeTakeFirst());
  }

  async put(note: Note): Promise<void> {
    const { kind, name, text, until } = storableNote(note);
    const row = this.db.insertInto('notes').values({ kind, name, text, until });
    const kept = row.onConflict((there) => there.columns(['kind', 'name']).doUpdateSet({ text, until }));
    await this.ask(() => kept.execute());
  }

  async claim(note: Note): Promise<Note> {
    const { kind, name, text, until } = storableNote(note);
    const row = this.db.insertInto('notes').values({ kind, name, text, until });
    const claim = row.onConflict((there) =>
      there.columns(['kind', 'name']).doUpdateSet({ text, until }).where('notes.until', '<=', this.now()),
    );
    const claimed = await this.ask(() => claim.returning('kind').executeTakeFirst());
    if (claimed) return note;
    // The note that was in the way may have ended meanwhile.
    return (await this.find(kind, name)) ?? this.claim(note);
  }

  async remove(kind: string, name: string, text?: string): Promise<void> {
    const named = this.db.deleteFrom('notes').where('kind', '=', kind).where('name', '=', storable(name));
    const gone = text === undefined ? named : named.where('text', '=', storable(text));
    await this.ask(() => gone.execute());
  }

  private ask<T>(what: () => Promise<T>): Promise<T> {
    return this.atOnce.execute(() => asking(what));
  }
}

/**
 * Deletes notes that ended before a time. If there are none, deletes the notes beyond the most that are kept, those that end first.
 *
 * @param limit how many ended notes to delete at most
 * @returns how many were deleted
 */
export async function deleteNotes(db: Kysely<NoteTables>, before: number, limit: number): Promise<number> {
  const { numAffectedRows: ended } = await sql`
    DELETE FROM notes WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM notes WHERE until <= ${before} LIMIT ${limit} FOR UPDATE SKIP LOCKED))`.execute(db);
  if (ended) return Number(ended);
  const { numAffectedRows: excess } = await sql`
    DELETE FROM notes WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM notes ORDER BY until
      LIMIT greatest(0, (SELECT count(*) FROM notes) - ${MOST_NOTES}) FOR UPDATE SKIP LOCKED))`.execute(db);
  return Number(excess);
}

function storableNote({ kind, name, text, until }: Note): Note {
  return { kind, name: storable(name), text: storable(text), until: Math.ceil(until) };
}
