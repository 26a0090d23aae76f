/** Ends a run with one plain line on standard output, for whoever reads the log: `Tests: 90 passed, 0 failed`. */
export default class ClosingLine {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests }) {
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
    process.stdout.write(`Tests: ${numPassedTests} passed, ${failed} failed${skipped}\n`);
  }
}
