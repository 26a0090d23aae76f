const { options } = require('./.dependency-cruiser.cjs');

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circles-of-folders',
      comment: 'Folders form an acyclic graph, so that each can be understood from those below it.',
      severity: 'error',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
  ],
  // Specs use what is above their folder.
  options: { ...options, exclude: { path: '\\.spec\\.ts$|^test/' } },
};
