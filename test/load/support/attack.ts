import type { SentRequest } from './sender';
import type { Target } from './requests';

/** What one client sends to hold the thread, all within what it is allowed to send. */
export interface Attack {
  /** A sentence's end: "the thread is free while …". */
  name: string;
  /** Sent one after the other over one connection. */
  requests(target: Target): readonly SentRequest[];
  /** How often the whole of it is sent; 1 where nothing is said. */
  rounds?: number;
  /** Connections that one client sends over; 1 where nothing is said. */
  connections?: number;
  /** Whether it is one of those that every run of the tests tries; LOAD_FULL=1 tries all. */
  everyTime?: boolean;
}
