import type { SimAccount, Simulator } from '../api';
import { StateError } from '../state/records';
import { anyObject, type Schema } from './schemas';

interface Call<Input> {
  readonly simulator: Simulator;
  /** The account in the path, otherwise the default account. */
  readonly account: SimAccount;
  /** What the path has in the place of `:id`. */
  readonly id: string;
  readonly userId: string;
  readonly input: Input;
}

type Answer<Input> = (call: Call<Input>) => unknown;

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly what: string;
  /** Of the query if the method is GET, otherwise of the body. */
  readonly input: Schema<unknown>;
  /** The status of a response with a body. */
  readonly status: number;
  /** Returns the body of the response, or undefined for a response without body. */
  readonly answer: Answer<never>;
}

function operation(method: string, status = 200) {
  function declare(path: string, what: string, answer: Answer<unknown>): Operation;
  function declare<T>(path: string, what: string, input: Schema<T>, answer: Answer<T>): Operation;
  function declare(path: string, what: string, ...rest: [Answer<never>] | [Schema<unknown>, Answer<never>]) {
    const [input, answer] = rest.length === 1 ? [anyObject, rest[0]] : rest;
    return { method, path, what, input, status, answer };
  }
  return declare;
}

export const get = operation('GET');
export const post = operation('POST');
export const create = operation('POST', 201);
export const put = operation('PUT');
export const patch = operation('PATCH');
export const remove = operation('DELETE');

export function found<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new StateError('unknown', `no such ${name}`);
  return thing;
}
