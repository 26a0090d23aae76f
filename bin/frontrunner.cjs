#!/usr/bin/env node
'use strict';
// Written so that old Nodes can read it, and say what is wrong instead of pointing at a comma.

var found = process.versions.node;
var major = Number(found.split('.')[0]);
var minor = Number(found.split('.')[1]);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    'frontrunner needs Node 22 or newer (22.19 at the least); this is Node ' +
      found +
      ': install another, https://nodejs.org/\n',
  );
  process.exitCode = 1;
} else {
  require('../dist/cli/main.js').main();
}
