import { serverNow } from '../api.js';
import { useEffect, useRef, useState } from '../html.js';

const FRAME_MS = 16;
/** Who wants less motion sees steps. */
const CALM_MS = 500;

/**
 * The time at the service, as often as it makes a visible difference, while something goes on and somebody looks.
 *
 * @param {boolean} isGoingOn
 * @returns {[number, (msPerPixel: number) => void]} the time, and what tells how long a pixel is
 */
export function useNow(isGoingOn) {
  const [now, setNow] = useState(serverNow);
  const every = useRef(FRAME_MS);
  useEffect(() => {
    if (!isGoingOn) return undefined;
    const calm = matchMedia('(prefers-reduced-motion: reduce)');
    let shown = 0;
    // Browsers call nobody for the next frame while the page is not seen.
    const step = () => {
      const time = serverNow();
      if (time - shown >= Math.max(FRAME_MS, calm.matches ? CALM_MS : every.current)) {
        shown = time;
        setNow(time);
      }
      frame = requestAnimationFrame(step);
    };
    let frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [isGoingOn]);
  return [now, (msPerPixel) => (every.current = Math.min(msPerPixel / 2, 1_000))];
}
