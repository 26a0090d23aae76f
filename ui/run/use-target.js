import { ask } from '../api.js';
import { useEffect, useState } from '../html.js';

/** @type {Map<string, Promise<any>>} */
const tasks = new Map();

/**
 * What a sub-task calls, by what its task declares now.
 *
 * @param {string} task
 * @param {string} subTask
 * @returns {string | undefined} undefined until it is known, and where nothing is said
 */
export function useTarget(task, subTask) {
  const [target, setTarget] = useState(/** @type {string | undefined} */ (undefined));
  useEffect(() => {
    let isShown = true;
    const asked = tasks.get(task) ?? ask(`/tasks/${encodeURIComponent(task)}`);
    tasks.set(task, asked);
    asked.then(
      ({ subTasks }) => {
        const found = subTasks.find((/** @type {any} */ { name }) => name === subTask);
        if (isShown) setTarget(found?.target);
      },
      // The run is shown without: its task may be gone.
      () => tasks.delete(task),
    );
    return () => {
      isShown = false;
    };
  }, [task, subTask]);
  return target;
}
