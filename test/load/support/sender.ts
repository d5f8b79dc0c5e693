import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface SentRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** The last byte of the body never comes. */
  unfinished?: boolean;
}

/** What a sender is to do; it ends with whichever of `times` and `forMs` comes first. */
export interface Sending {
  /** Sent one after the other, and then again from the first. */
  requests: readonly SentRequest[];
  connections: number;
  times: number;
  forMs: number;
  /** Between an answer and the next request of that connection. */
  pauseMs: number;
  /** After which a request is given up, from when its body has been sent. */
  timeoutMs: number;
  /** As of the command `nice`: with 10, the sender leaves the cores to the others. */
  nice: number;
}

export interface Outcome {
  /** Which of the requests. */
  index: number;
  /** 0: no answer. */
  status: number;
  /** How an error begins. */
  sentence: string;
  bytes: number;
  ms: number;
}

/** Sends requests from a process of its own. */
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

  /** Begins to send. @returns what ends it and tells the outcomes */
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

/** @returns the value below which that share (0 to 1) of them is; 0 of none */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
