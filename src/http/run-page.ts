import type { RequestHandler } from 'express';
import { linkTo } from './links.js';
import { prefersPage } from './negotiation.js';

const RUN = /^\/runs\/([^/]+)\/?$/i;

/** Redirects a browser that opens the address of a run to the run's page; programs get JSON. */
export const leadToRunPage: RequestHandler = (request, response, next) => {
  // Few requests accept HTML.
  const id = request.headers.accept?.includes('text/html') ? RUN.exec(request.path)?.[1] : undefined;
  if (id === undefined || !prefersPage(request)) {
    next();
    return;
  }
  response.vary('Accept').redirect(303, linkTo(request, `/ui/#/runs/${id}`));
};
