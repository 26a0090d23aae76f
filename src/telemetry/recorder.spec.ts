import { describe, expect, test } from '@jest/globals';
import { samplesOf } from '../../test/support/samples.js';
import type { RunEvent } from '../core/events.js';
import { PrometheusMeter } from './prometheus-meter.js';
import { Recorder } from './recorder.js';

const RUN = {
  originFields: {},
  terms: { replyPolicy: { policy: 'quorum', quorum: 2 } },
  startedAt: '2026-11-23T12:00:00.000Z',
} as const;

describe('Recorder', () => {
  const recorded = (act: (recorder: Recorder) => void) => {
    const meter = new PrometheusMeter();
    act(new Recorder(meter, () => undefined));
    return Object.fromEntries([...samplesOf(meter.text())].filter(([name]) => !name.includes('_bucket')));
  };
  /** What comes of events of a task, each by its type and its data. */
  const heard = (events: readonly [string, object][], run: object = RUN) =>
    recorded((recorder) => {
      recorder.hear(
        events.map(([type, data]) => ({
          event: { type, data, task: 'task', subTask: 'b', time: '2026-11-23T12:00:02.500Z' } as RunEvent,
          run: { ...RUN, ...run },
        })),
      );
    });

  test('tells by the last of several winners who a reply waited for', () => {
    const reply = { answeredBy: ['b', 'a'], result: {} };
    const labels = '{frontrunner_task="task",frontrunner_policy="quorum",frontrunner_winner="a"}';
    expect(heard([['run.replied', { reply, durationMs: 250 }]])).toEqual({
      [`frontrunner_run_reply_duration_seconds_sum${labels}`]: 0.25,
      [`frontrunner_run_reply_duration_seconds_count${labels}`]: 1,
    });
  });

  test('has the code of a reply that is an error, and nothing of later replies of a run', () => {
    const reply = { error: { code: 'run-failed' } };
    expect(
      Object.keys(
        heard([
          ['run.replied', { reply, durationMs: 1 }],
          ['run.replied', { reply }],
        ]),
      ),
    ).toEqual([
      expect.stringContaining(
        '_sum{frontrunner_task="task",frontrunner_policy="quorum",error_type="run-failed"}',
      ),
      expect.stringContaining('_count{'),
    ]);
  });

  test('takes the time of a run from its start, also in another process, and none of one that was reopened', () => {
    const ended: [string, object] = ['run.finished', { status: 'succeeded' }];
    expect(heard([ended])).toMatchObject({
      'frontrunner_run_duration_seconds_sum{frontrunner_task="task",frontrunner_status="succeeded"}': 2.5,
    });
    expect(heard([ended], { startedAt: undefined })).toEqual({});
  });

  test('counts hedges apart from other starts, and sub-tasks by how they ended', () => {
    const labels = 'frontrunner_task="task",frontrunner_subtask="b"';
    const counts = heard([
      ['sub-task.started', {}],
      ['sub-task.started', { trigger: 'delay', delayMs: 5 }],
      ['sub-task.held-back', { delayMs: 5, hedgeBudget: 0 }],
      ['sub-task.cancelled', { reason: 'x', durationMs: 1 }],
      ['sub-task.failed', { error: { code: 'timeout', message: '' }, durationMs: 1 }],
      ['sub-task.skipped', { reason: 'x' }],
    ]);
    expect(counts).toMatchObject({
      [`frontrunner_subtask_attempts_total{${labels}}`]: 2,
      [`frontrunner_hedges_started_total{${labels}}`]: 1,
      [`frontrunner_hedges_held_back_total{${labels}}`]: 1,
      [`frontrunner_subtask_duration_seconds_count{${labels},frontrunner_outcome="cancelled"}`]: 1,
      [`frontrunner_subtask_duration_seconds_count{${labels},frontrunner_outcome="failed",error_type="timeout"}`]: 1,
    });
    expect(Object.keys(counts)).toHaveLength(7);
  });

  test('has the first chunk of every stream, and what those had brought that were cancelled or failed', () => {
    const stream = { chunks: 3, bytes: 40, firstChunkMs: 250 };
    const error = { code: 'stream-stalled', message: '' };
    const counts = heard([
      ['sub-task.streamed', { first: 0, chunks: ['x'] }],
      ['sub-task.succeeded', { result: 'x', durationMs: 1, stream: { ...stream, tokens: 9 } }],
      ['sub-task.cancelled', { reason: 'x', durationMs: 1, stream: { ...stream, tokens: 5 } }],
      ['sub-task.retrying', { error, delayMs: 1, dueAt: '', stream }],
      ['sub-task.failed', { error, durationMs: 1, stream: { chunks: 0, bytes: 0 } }],
    ]);
    const labels = 'frontrunner_task="task",frontrunner_subtask="b"';
    const ofStreams = Object.entries(counts).filter(([name]) => /first_chunk|cut/.test(name));
    const [cancelled, failed] = ['cancelled', 'failed'].map(
      (outcome) => `{${labels},frontrunner_outcome="${outcome}"}`,
    );
    expect(Object.fromEntries(ofStreams)).toEqual({
      [`frontrunner_subtask_first_chunk_duration_seconds_count{${labels}}`]: 3,
      [`frontrunner_subtask_first_chunk_duration_seconds_sum{${labels}}`]: 0.75,
      [`frontrunner_subtask_cut_chunks_total${cancelled}`]: 3,
      [`frontrunner_subtask_cut_size_bytes_total${cancelled}`]: 40,
      [`frontrunner_subtask_cut_tokens_total${cancelled}`]: 5,
      [`frontrunner_subtask_cut_chunks_total${failed}`]: 3,
      [`frontrunner_subtask_cut_size_bytes_total${failed}`]: 40,
    });
  });

  test('says of requests to upstreams where they went and what came of them', () => {
    const call = { method: 'GET', tookMs: 20, error: undefined };
    const all = recorded((recorder) => {
      recorder.called({ ...call, origin: 'https://a.example', status: 503 });
      recorder.called({
        ...call,
        origin: 'http://[::1]:81',
        status: undefined,
        error: 'upstream-unreachable',
      });
    });
    const get = 'http_request_method="GET"';
    expect(Object.keys(all).filter((name) => name.includes('_count'))).toEqual([
      `http_client_request_duration_seconds_count{${get},server_address="a.example",server_port="443",http_response_status_code="503",error_type="503"}`,
      `http_client_request_duration_seconds_count{${get},server_address="[::1]",server_port="81",error_type="upstream-unreachable"}`,
    ]);
  });

  test('counts attempts to deliver by webhook and outcome, of a thousand webhooks and then of all others', () => {
    const attempt = {
      ...{ webhook: 'w', url: '', event: 1, type: 'run.finished', runId: 'r', task: 't', attempt: 1 },
      report: { at: 0, tookMs: 50, status: 503, error: 'status' },
    };
    const delivered = {
      ...attempt,
      kind: 'webhook.delivered' as const,
      delayMs: 1_500,
      report: { at: 0, tookMs: 20 },
    };
    const failing = { ...attempt, kind: 'webhook.failing' as const };
    const counts = recorded((recorder) => {
      recorder.attempted(delivered);
      recorder.attempted({ ...failing, nextAt: 5 });
      recorder.attempted({ ...failing, nextAt: null, report: { at: 0, tookMs: 0, error: 'gone' } });
      for (let id = 1; id < 1_003; id += 1) recorder.attempted({ ...delivered, webhook: String(id) });
    });
    const count = (webhook: string, outcome: string) =>
      counts[
        `frontrunner_webhook_deliveries_total{frontrunner_webhook="${webhook}",frontrunner_outcome="${outcome}"}`
      ];
    expect([count('w', 'delivered'), count('w', 'failed'), count('w', 'dead')]).toEqual([1, 1, 1]);
    expect([count('999', 'delivered'), count('1000', 'delivered'), count('other', 'delivered')]).toEqual([
      1,
      undefined,
      3,
    ]);
    expect(counts).toMatchObject({
      'frontrunner_webhook_delivery_duration_seconds_count{error_type="503"}': 1,
      frontrunner_webhook_delivery_duration_seconds_count: 1_003,
      frontrunner_webhook_delay_seconds_count: 1_003,
    });
  });

  test('counts requests that share a run, and shadows, by their task and what they come to', () => {
    expect(
      recorded((recorder) => {
        for (const how of ['coalesced', 'coalesced', 'reused', 'stale'] as const) recorder.shared('t', how);
        for (const how of ['equal', 'different', 'failed', 'equal'] as const)
          recorder.compared('t', 'next', how);
      }),
    ).toEqual({
      'frontrunner_requests_shared_total{frontrunner_task="t",frontrunner_kind="coalesced"}': 2,
      'frontrunner_requests_shared_total{frontrunner_task="t",frontrunner_kind="reused"}': 1,
      'frontrunner_requests_shared_total{frontrunner_task="t",frontrunner_kind="stale"}': 1,
      ...Object.fromEntries(
        Object.entries({ equal: 2, different: 1, failed: 1 }).map(([how, count]) => [
          `frontrunner_shadow_comparisons_total{frontrunner_task="t",frontrunner_subtask="next",frontrunner_outcome="${how}"}`,
          count,
        ]),
      ),
    });
  });

  test('measures commits', () => {
    expect(
      recorded((recorder) => {
        recorder.committed(2.5, 7);
      }),
    ).toEqual({
      frontrunner_journal_commit_duration_seconds_sum: 0.0025,
      frontrunner_journal_commit_duration_seconds_count: 1,
      frontrunner_journal_batch_size_sum: 7,
      frontrunner_journal_batch_size_count: 1,
    });
  });
});
