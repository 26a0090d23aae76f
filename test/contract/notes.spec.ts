import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { EventBus } from '../../src/events/event-bus.js';
import type { Journal } from '../../src/run/journal.js';
import type { Note } from '../../src/run/notes.js';
import { journals } from '../support/journals.js';

describe.each(Object.keys(journals))('the notes of the %s journal', (name) => {
  let journal: Journal;
  beforeEach(async () => {
    journal = await journals[name]!(new EventBus(new EventEmitter2()));
  });
  afterEach(() => journal.close());

  const note = (of: string, text = `of ${of}`, forMs = 60_000): Note => ({
    kind: 'kind',
    name: of,
    text,
    until: Math.round(journal.now()) + forMs,
  });
  const ended = (of: string, text?: string) => note(of, text, -1);

  test('come back as they were, by their kind and name', async () => {
    const [one, other] = [note('a', 'ü \' " \\'), { ...note('a'), kind: 'other' }];
    await journal.notes.put(one);
    await journal.notes.put(other);
    expect(await journal.notes.find('kind', 'a')).toEqual(one);
    expect(await journal.notes.find('other', 'a')).toEqual(other);
    expect(await journal.notes.find('kind', 'b')).toBeUndefined();
    expect(await journal.notes.all('kind')).toEqual([one]);
  });

  test('take the place of those before', async () => {
    await journal.notes.put(note('a', 'first'));
    const second = note('a', 'second', 120_000);
    await journal.notes.put(second);
    expect(await journal.notes.all('kind')).toEqual([second]);
  });

  test('are gone when they have ended', async () => {
    await journal.notes.put(ended('a'));
    await journal.notes.put(note('b'));
    expect(await journal.notes.find('kind', 'a')).toBeUndefined();
    expect((await journal.notes.all('kind')).map((kept) => kept.name)).toEqual(['b']);
  });

  test('are gone when they are removed', async () => {
    await journal.notes.put(note('a'));
    await journal.notes.put(note('b'));
    await journal.notes.remove('kind', 'a');
    await journal.notes.remove('kind', 'unknown');
    expect((await journal.notes.all('kind')).map((kept) => kept.name)).toEqual(['b']);
  });

  test('stay where another one has taken the place of the one that is to be removed', async () => {
    await journal.notes.put(note('a', 'second'));
    await journal.notes.remove('kind', 'a', 'first');
    expect(await journal.notes.find('kind', 'a')).toMatchObject({ text: 'second' });
    await journal.notes.remove('kind', 'a', 'second');
    expect(await journal.notes.find('kind', 'a')).toBeUndefined();
  });

  test('are claimed by one of many', async () => {
    const claims = Array.from({ length: 20 }, (_, n) => journal.notes.claim(note('a', `claim ${n}`)));
    const kept = new Set((await Promise.all(claims)).map(({ text }) => text));
    expect(kept.size).toBe(1);
    expect([(await journal.notes.find('kind', 'a'))?.text]).toEqual([...kept]);
  });

  test('can be claimed when the one before has ended or was removed', async () => {
    await journal.notes.put(ended('a'));
    expect(await journal.notes.claim(note('a', 'second'))).toMatchObject({ text: 'second' });
    expect(await journal.notes.claim(note('a', 'third'))).toMatchObject({ text: 'second' });
    await journal.notes.remove('kind', 'a');
    expect(await journal.notes.claim(note('a', 'fourth'))).toMatchObject({ text: 'fourth' });
  });
});
