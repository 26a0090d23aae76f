const { default: Runner } = require('jest-runner');

/** Runs suites while no others run: for those that measure time or memory. */
module.exports = class SerialRunner extends Runner {
  isSerial = true;
};
