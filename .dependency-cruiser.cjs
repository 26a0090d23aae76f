/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Nothing imports in circles, not even types.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-imports-nothing-of-ours',
      comment: 'src/core has the shapes that all the others share.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/(?!core/)' },
    },
    {
      name: 'domain-without-infrastructure',
      comment:
        'src/tasks knows neither HTTP (its controller aside), nor drivers, nor who listens, nor the demo.',
      severity: 'error',
      from: { path: '^src/tasks/', pathNot: '(\\.controller|\\.spec)\\.ts$' },
      to: {
        path: '^src/(api|config|demo|feed|health|history|http|listeners|logging)/|node_modules/(express|pino|nestjs-pino|@nestjs/(event-emitter|platform-express|config))',
      },
    },
    {
      name: 'http-is-not-for-the-inside',
      comment: 'What executes runs, the journal, the events and the listeners know no HTTP.',
      severity: 'error',
      from: { path: '^src/(run|journal|events|listeners)/' },
      to: { path: '^src/(api|http)/|node_modules/express' },
    },
    {
      name: 'the-journal-is-abstract',
      comment:
        'Which journal it is, only its module knows, what makes nodes of processes that share one, and the command.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(journal/|cluster/|testing/|journal\\.module\\.ts|cli/program\\.ts|start-error\\.ts)|\\.spec\\.ts$',
      },
      to: { path: '^src/journal/' },
    },
    {
      name: 'only-the-bus-touches-the-emitter',
      comment: 'Events go through EventBus and @OnRunEvent.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(events|testing)/|\\.spec\\.ts$' },
      to: { path: 'node_modules/(@nestjs/event-emitter|eventemitter2)' },
    },
    {
      name: 'listeners-and-demo-from-the-root-alone',
      comment: 'Only the composition root imports listeners and the demo.',
      severity: 'error',
      from: { pathNot: '^src/((app|core)\\.module\\.ts|listeners/|demo/)' },
      to: { path: '^src/(listeners|demo)/' },
    },
    {
      name: 'swagger-for-the-document-alone',
      comment:
        'Who makes no OpenAPI document needs no @nestjs/swagger: src/http/open-api.ts has its decorators.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/api/(documentation|openapi)\\.ts$|\\.spec\\.ts$' },
      to: { path: 'node_modules/@nestjs/swagger', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'declared',
      comment: 'What is imported stands in package.json.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['main', 'types'],
    },
  },
};
