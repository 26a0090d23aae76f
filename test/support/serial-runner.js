import Runner from 'jest-runner';

/** Runs suites while no others run: for those that measure time or memory. */
export default class SerialRunner extends Runner.default {
  isSerial = true;
}
