import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { createRuntime } from '../../test/support/runtime.js';
import { acceptRun } from '../tasks/accepted-run.js';
import { declaredWebhooks } from '../tasks/declared-webhooks.js';
import { termsOfText, textOfTerms } from './requested-terms.js';

const secret = `whsec_${Buffer.alloc(32, 'planted').toString('base64')}`;

describe('what is kept of a run until its transaction is committed', () => {
  const { task, webhooks } = createRuntime([{ name: 'a', run: () => 'a' }]);

  test('has the webhooks that it was accepted with, sealed, and not those that its task has by then', async () => {
    const request = { webhooks: [{ url: 'https://hooks.example.com/', secret }] };
    const terms = await acceptRun(task, request, {}, webhooks);
    const text = textOfTerms(terms);
    expect(text).not.toContain(secret.slice(6));
    const later = { ...task, webhooks: declaredWebhooks([{ url: 'https://later.example.com/', secret }]) };
    expect((await termsOfText(terms.id, later, text)).webhooks).toEqual(terms.webhooks);
    const unfit = await termsOfText(terms.id, { ...later, input: z.object({}) }, text);
    expect(unfit).toMatchObject({ unfit: { code: 'input-unfit' }, webhooks: terms.webhooks });
  });

  test('has none where there are none', async () => {
    const text = textOfTerms(await acceptRun(task, {}, {}, webhooks));
    expect((await termsOfText('1', task, text)).webhooks).toBeUndefined();
  });
});
