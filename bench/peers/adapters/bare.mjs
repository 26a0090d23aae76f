/** The floor: nothing is kept. */
import { PIECES, serve, work } from './job.mjs';

serve((id) => Promise.race(PIECES.map((piece) => work(id, piece))));
