import { AsyncLocalStorage } from 'node:async_hooks';

/** Whose work the thread does. */
export interface Work {
  /** What it is, for the log: the route of a request, or the name of a job. */
  what: string;
  /** Whose turn it takes: an integration, a tenant, or '' for what belongs to nobody. */
  lane: string;
  /** Says no once nobody waits for what comes of it: then its next slice is its last. Left out: it is always wanted. */
  isWanted?: () => boolean;
}

const NOBODYS: Work = { what: 'a job of the process', lane: '' };

const storage = new AsyncLocalStorage<Work>();

/** The work on whose behalf this code runs. */
export function currentWork(): Work {
  return storage.getStore() ?? NOBODYS;
}

/** Runs `action`, and all that it awaits, on behalf of this work. */
export function onBehalfOf<T>(work: Work, action: () => T): T {
  return storage.run(work, action);
}
