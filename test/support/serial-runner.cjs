const { default: Runner } = require('jest-runner');

/** Runs suites while no others run: for those that measure time. */
module.exports = class SerialRunner extends Runner {
  isSerial = true;
};
