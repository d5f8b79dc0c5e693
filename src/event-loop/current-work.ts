import { AsyncLocalStorage } from 'node:async_hooks';

/** The work that the thread does now. */
export interface Work {
  /** For the log: the route of a request, or the name of a job. */
  what: string;
  /** Lanes take turns: an integration, a tenant, or '' for jobs of the process. */
  lane: string;
  /** False when no client waits for the result: the current slice is then the last. Left out: always wanted. */
  isWanted?: () => boolean;
}

const PROCESS_WORK: Work = { what: 'a job of the process', lane: '' };

const storage = new AsyncLocalStorage<Work>();

/** The work that this code belongs to. */
export function currentWork(): Work {
  return storage.getStore() ?? PROCESS_WORK;
}

/** Runs `action`, and all that it awaits, as part of this work. */
export function onBehalfOf<T>(work: Work, action: () => T): T {
  return storage.run(work, action);
}
