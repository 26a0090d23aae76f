import { BASE } from './address.js';
import { html, render, useEffect, useRef, useState } from './html.js';
import { ProblemNote } from './parts/problem.js';
import { linkTo, usePlace } from './router.js';
import { isSignedIn, missingScope, signOut, useWatchedSession } from './session.js';

/** What the navigation leads to: the first step of the place, its title, and the scope without which it is left out. */
const SECTIONS = /** @type {[string, string, string?][]} */ ([
  ['runs', 'Runs'],
  ['tasks', 'Tasks'],
  ['events', 'Events'],
  ['webhooks', 'Webhooks', 'webhooks:write'],
  ['nodes', 'Nodes'],
]);

/** The screens; each comes when it is first looked at. */
const SCREENS = {
  runs: () => import('./screens/runs.js').then(({ RunsScreen }) => RunsScreen),
  run: () => import('./screens/run.js').then(({ RunScreen }) => RunScreen),
  tasks: () => import('./screens/tasks.js').then(({ TasksScreen }) => TasksScreen),
  task: () => import('./screens/task.js').then(({ TaskScreen }) => TaskScreen),
  events: () => import('./screens/events.js').then(({ EventsScreen }) => EventsScreen),
  webhooks: () => import('./screens/webhooks.js').then(({ WebhooksScreen }) => WebhooksScreen),
  webhook: () => import('./screens/webhook.js').then(({ WebhookScreen }) => WebhookScreen),
  nodes: () => import('./screens/nodes.js').then(({ NodesScreen }) => NodesScreen),
};
/** The screen about one thing of a section. @type {Map<string, keyof typeof SCREENS>} */
const ONE_OF = new Map([
  ['runs', 'run'],
  ['tasks', 'task'],
  ['webhooks', 'webhook'],
]);
/** Those that have come. @type {Map<string, any>} */
const loaded = new Map();

/** @param {{ of: keyof typeof SCREENS, props: object }} props */
function Screen({ of, props }) {
  const [, setCount] = useState(0);
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const load = () => {
    setError(undefined);
    SCREENS[of]().then((screen) => {
      loaded.set(of, screen);
      setCount((count) => count + 1);
    }, setError);
  };
  useEffect(() => {
    if (!loaded.has(of)) load();
  }, []);
  const Loaded = loaded.get(of);
  if (Loaded) return html`<${Loaded} ...${props} />`;
  return error === undefined
    ? html`<p class="soft">Loading…</p>`
    : html`<${ProblemNote} error=${error} onRetry=${load} />`;
}

/** @param {{ path: string[], query: URLSearchParams }} place */
function screenOf({ path: [section = 'runs', name], query }) {
  const of = name !== undefined ? ONE_OF.get(section) : section;
  if (SECTIONS.some(([path]) => path === section) && of !== undefined)
    return html`<${Screen} key=${`${of} ${name}`} of=${of} props=${{ query, id: name, name }} />`;
  return html`<h1>Nothing is here</h1>
    <p><a href=${linkTo(['runs'])}>See the runs</a></p>`;
}

/** Who is signed in, and the way out. @param {{ session: import('./session.js').Session | undefined }} props */
function WhoIsIn({ session }) {
  if (!isSignedIn(session)) return null;
  return html`<span class="who"
    >${session?.client} <button type="button" class="link" onClick=${signOut}>Sign out</button></span
  >`;
}

function App() {
  const place = usePlace();
  const session = useWatchedSession();
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
        ${SECTIONS.filter(([, , scope]) => scope === undefined || !missingScope(session, scope)).map(
          ([path, title]) =>
            html`<a href=${linkTo([path])} aria-current=${section === path ? 'page' : undefined}
              >${title}</a
            >`,
        )}
        <a href=${new URL('docs', BASE).href}>API</a>
      </nav>
      <${WhoIsIn} session=${session} />
    </header>
    <main id="main" tabindex="-1" ref=${main}>${screenOf(place)}</main>
  `;
}

render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
