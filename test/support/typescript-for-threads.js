import { enableCompileCache, registerHooks } from 'node:module';
import { getEnvironmentData } from 'node:worker_threads';

// Each thread and each process of a test would compile the same files.
enableCompileCache();

// The service's worker threads run from src/ in tests, where Node finds no .js: it takes the .ts and strips its types.
registerHooks({
  resolve(specifier, context, nextResolve) {
    try {
      return nextResolve(specifier, context);
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' || !specifier.endsWith('.js')) throw error;
      return nextResolve(specifier.replace(/\.js$/, '.ts'), context);
    }
  },
});

if (getEnvironmentData('faults') !== undefined) await import('./faults.ts');
