import { useAnswer } from '../answer.js';
import { html } from '../html.js';
import { ProblemNote } from '../parts/problem.js';
import { linkTo } from '../router.js';
import { losersWords, replyWords, startWords } from '../tasks/words.js';

export function TasksScreen() {
  const { value, error, again } = useAnswer('/tasks');
  return html`<h1>Tasks</h1>
    ${error && html`<${ProblemNote} error=${error} onRetry=${again} />`}
    ${value && value.tasks.length === 0 && html`<p class="card">The service has no task.</p>`}
    <ul class="tasks">
      ${value?.tasks.map((/** @type {any} */ task) => html`<${Task} key=${task.name} task=${task} />`)}
    </ul>`;
}

/** @param {{ task: any }} props */
function Task({ task }) {
  return html`<li class="card tasks-one">
    <h2><a href=${linkTo(['tasks', task.name])}>${task.name}</a></h2>
    <p class="soft tasks-policy">Reply: ${replyWords(task.reply)}. Others ${losersWords(task.losers)}.</p>
    <ol class="tasks-sub" aria-label="Sub-tasks">
      ${task.subTasks.map(
        (/** @type {any} */ { name, start }) =>
          html`<li><b>${name}</b> <span class="soft">${startWords(start)}</span></li>`,
      )}
    </ol>
    <a
      class="button"
      href=${linkTo(['runs'], { start: task.name })}
      aria-label=${`Start a run of ${task.name}`}
      >Start a run</a
    >
  </li>`;
}
