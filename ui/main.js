import { BASE } from './api.js';
import { html, render, useEffect, useRef } from './html.js';
import { linkTo, usePlace } from './router.js';
import { EventsScreen } from './screens/events.js';
import { NodesScreen } from './screens/nodes.js';
import { RunScreen } from './screens/run.js';
import { RunsScreen } from './screens/runs.js';
import { TaskScreen } from './screens/task.js';
import { TasksScreen } from './screens/tasks.js';

/** The screens, by the first step of the place. */
const SCREENS = /** @type {const} */ ([
  ['runs', 'Runs'],
  ['tasks', 'Tasks'],
  ['events', 'Events'],
  ['nodes', 'Nodes'],
]);

/** @param {{ path: string[], query: URLSearchParams }} place */
function screenOf({ path: [section = 'runs', name], query }) {
  if (section === 'runs')
    return name ? html`<${RunScreen} key=${name} id=${name} />` : html`<${RunsScreen} query=${query} />`;
  if (section === 'tasks')
    return name ? html`<${TaskScreen} key=${name} name=${name} />` : html`<${TasksScreen} />`;
  if (section === 'events') return html`<${EventsScreen} query=${query} />`;
  if (section === 'nodes') return html`<${NodesScreen} />`;
  return html`<h1>Nothing is here</h1>
    <p><a href=${linkTo(['runs'])}>See the runs</a></p>`;
}

function App() {
  const place = usePlace();
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const first = useRef(true);
  const where = place.path.join('/');
  useEffect(() => {
    document.title = `${place.path.at(-1) ?? 'Runs'} · Frontrunner`;
    // Readers of the screen hear of another screen when the focus goes there.
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [where]);
  const section = place.path[0] ?? 'runs';
  return html`
    <a
      class="skip"
      href="#main"
      onClick=${(/** @type {Event} */ event) => {
        event.preventDefault();
        main.current?.focus();
      }}
      >Skip to the content</a
    >
    <header>
      <a class="brand" href=${linkTo(['runs'])}
        ><img src="icon.svg" alt="" width="24" height="24" />Frontrunner</a
      >
      <nav aria-label="Screens">
        ${SCREENS.map(
          ([path, title]) =>
            html`<a href=${linkTo([path])} aria-current=${section === path ? 'page' : undefined}
              >${title}</a
            >`,
        )}
        <a href=${new URL('docs', BASE).href}>API</a>
      </nav>
    </header>
    <main id="main" tabindex="-1" ref=${main}>${screenOf(place)}</main>
  `;
}

render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
