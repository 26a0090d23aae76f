/** What a task declares, in words. */

/** @typedef {import('../../src/core/policies.ts').ReplyPolicy} ReplyPolicy */
/** @typedef {import('../../src/core/policies.ts').LosersPolicy} LosersPolicy */
/** @typedef {import('../../src/core/start-rule.ts').StartRule} StartRule */

/** Which outcomes make the reply. @param {ReplyPolicy} reply */
export function replyWords(reply) {
  switch (reply.policy) {
    case 'first-success':
      return 'the first success';
    case 'first-settled':
      return 'the first outcome, a failure too';
    case 'primary':
      return `the outcome of ${reply.primary}`;
    case 'quorum':
      return `${reply.quorum} successes${byDeadline(reply.deadline)}`;
    case 'all':
      return `the success of all${byDeadline(reply.deadline)}`;
    case 'agreement':
      return `${reply.agreement} equal results`;
    case 'deadline':
      return `what has succeeded after ${reply.deadline}, ${reply.min ?? 1} at least`;
  }
}

/** @param {string | undefined} deadline */
function byDeadline(deadline) {
  return deadline === undefined ? '' : `, or what has succeeded after ${deadline}`;
}

/** What becomes of the others after the reply. @param {LosersPolicy} losers */
export function losersWords(losers) {
  if (losers === 'continue') return 'go on';
  if (losers === 'cancel') return 'are cancelled';
  return `are cancelled after ${losers.after}`;
}

/** @param {StartRule} start */
export function startWords(start) {
  if (typeof start === 'string') return start.replaceAll('-', ' ');
  const coldStart =
    'coldStart' in start && start.coldStart ? ` (${start.coldStart} until that is known)` : '';
  return `after ${start.after}${coldStart}`;
}

/** @param {StartRule} start */
export const isHedge = (start) => typeof start === 'object';
