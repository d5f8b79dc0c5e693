import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface SentRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** The last byte of the body is never sent. */
  unfinished?: boolean;
}

/** What a sender has to do. It ends when `times` or `forMs` is reached. */
export interface Sending {
  /** Sent one after the other, then again from the first. */
  requests: readonly SentRequest[];
  connections: number;
  times: number;
  forMs: number;
  /** Pause between a response and the next request of the connection. */
  pauseMs: number;
  /** Timeout of a request. It starts when the body has been sent. */
  timeoutMs: number;
  /** As in the command `nice`: with 10, the sender has lower priority than other processes. */
  nice: number;
}

export interface Outcome {
  /** Index into `requests`. */
  index: number;
  /** 0: no response. */
  status: number;
  /** The first characters of an error. */
  sentence: string;
  bytes: number;
  ms: number;
}

/** Sends requests from a separate process. */
export class Sender {
  private readonly child: ChildProcess = fork(join(__dirname, 'send-requests.js'), {
    execArgv: [],
    serialization: 'advanced',
  });

  async send(sending: Sending): Promise<Outcome[]> {
    const answered = once(this.child, 'message') as Promise<[{ outcomes: Outcome[] }]>;
    this.child.send(sending);
    const [{ outcomes }] = await answered;
    return outcomes;
  }

  /** Starts to send. @returns a function that stops it and returns the outcomes */
  begin(sending: Sending): () => Promise<Outcome[]> {
    const outcomes = this.send(sending);
    return () => {
      this.child.send('stop');
      return outcomes;
    };
  }

  async end(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

/** @param share 0 to 1 @returns 0 if there are no values */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
