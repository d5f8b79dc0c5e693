import type { SentRequest } from './sender';
import type { Target } from './requests';

/** Allowed requests with which one client tries to block the event loop. */
export interface Attack {
  /** Completes the sentence "the thread is free while …". */
  name: string;
  /** The client sends them one after the other over one connection. */
  requests(target: Target): readonly SentRequest[];
  /** How often the client sends all of them; default 1. */
  rounds?: number;
  /** How many connections one client uses; default 1. */
  connections?: number;
  /** Whether every test run includes it; LOAD_FULL=1 includes all. */
  everyTime?: boolean;
}
