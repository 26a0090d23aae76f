import htm from './vendor/htm.js';
import { h } from './vendor/preact.js';

export { Fragment, render } from './vendor/preact.js';
export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from './vendor/hooks.js';

/**
 * Makes elements from a template: JSX without a build.
 *
 * @type {(strings: TemplateStringsArray, ...values: any[]) => any}
 */
export const html = /** @type {any} */ (htm).bind(h);
