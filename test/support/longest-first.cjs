const { basename } = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

const LONGEST = [
  'cluster',
  'journal',
  'events',
  'process',
  'consumers',
  'cluster-harness',
  'crash-harness',
  'hostile-readers',
  'pages',
  'power-cuts',
  'disk-errors',
  'short-memory',
];

/**
 * Starts the longest suites first, so that none of them is what all others wait for.
 * Jest does so by the times of the run before, of which a fresh clone has none.
 */
module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).toSorted((one, other) => rank(one) - rank(other));
  }
};

function rank({ path }) {
  const place = LONGEST.indexOf(basename(path).split('.')[0]);
  return place < 0 ? LONGEST.length : place;
}
