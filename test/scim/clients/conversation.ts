import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../../support/http';
import { PUBLIC_URL, type TestIntegration } from '../../support/scimify';
import { sendExactly } from '../support/exact-request';
import { expectScimError, type Resource } from '../support/expectations';
import type { ServerOfFile } from '../support/server';

/** One file of `requests/{client}/`: what a client says from a first look to the last change, in its order. */
interface Conversation {
  about: string;
  /** What the client sends with every request, `{key}` being the SCIM key. */
  headers: Record<string, string>;
  exchanges: Exchange[];
}

interface Exchange {
  it: string;
  request: {
    method: string;
    /** What follows the base URL, to the letter. */
    target: string;
    headers?: Record<string, string>;
    body?: unknown;
  };
  answer: {
    status: number;
    scimType?: string;
    /** What the client needs; more may come. */
    body?: Resource;
    /** Names that may not occur in the body. */
    without?: string[];
    headers?: Record<string, string>;
    /** The body is empty. */
    empty?: boolean;
  };
  /** Names by which later exchanges call attributes of this answer, `id` as a rule: `{ada}`. */
  keep?: Record<string, string>;
  /** What a look afterwards has to show, by target. */
  left?: Record<string, Resource>;
}

const REQUESTS = join(__dirname, 'requests');

/** Replays every conversation of a client, each in an empty integration of its own. */
export function replayConversationsOf(client: string, server: ServerOfFile): void {
  const files = readdirSync(join(REQUESTS, client)).sort();
  for (const file of files) {
    const { about, headers, exchanges } = read(client, file);
    describe(about, () => {
      let integration: TestIntegration;
      const ids: Record<string, string> = {};

      beforeAll(async () => {
        integration = await server.freshIntegration();
        ids.base = `${PUBLIC_URL}/scim/v2/${integration.id}`;
        ids.key = integration.scimKey;
      });

      it.each(exchanges.map((exchange) => [exchange.it, exchange] as const))(
        '%s',
        async (_what, exchange) => {
          const { request, answer: expected } = fill(exchange, ids);
          const body = request.body === undefined ? undefined : JSON.stringify(request.body);
          const answer = await sendExactly(server.scimify.url, {
            method: request.method,
            target: `/scim/v2/${integration.id}${request.target}`,
            headers: { ...fill(headers, ids), ...request.headers },
            body,
          });
          expectAnswer(answer, expected);
          for (const [name, path] of Object.entries(exchange.keep ?? {})) {
            ids[name] = String(answer.body[path]);
            expect(ids[name]).toMatch(/^[0-9a-f-]{36}$/);
          }
          for (const [target, left] of Object.entries(fill(exchange.left ?? {}, ids))) {
            const seen = await integration.scim.get(target);
            expect({ target, body: sorted(seen.body) }).toMatchObject({
              target,
              body: sorted(left) as object,
            });
          }
        },
      );
    });
  }
}

function expectAnswer(answer: Answer, expected: Exchange['answer']): void {
  const { status, body } = answer;
  if (expected.status >= 400) {
    expectScimError(answer, expected.status, expected.scimType);
  } else {
    expect({ status, body: sorted(body) }).toMatchObject({
      status: expected.status,
      ...(expected.body === undefined ? {} : { body: sorted(expected.body) }),
    });
  }
  if (expected.empty || status === 204) expect(body).toBe('');
  else expect(answer.headers.get('content-type')).toMatch(/^application\/(scim\+)?json/);
  for (const name of expected.without ?? []) expect(JSON.stringify(body)).not.toContain(`"${name}":`);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    expect([name, answer.headers.get(name)]).toEqual([name, expect.stringContaining(value)]);
  }
}

function read(client: string, file: string): Conversation {
  return JSON.parse(readFileSync(join(REQUESTS, client, file), 'utf8')) as Conversation;
}

/** Puts ids in for their names. A name that nobody kept stays as it is, and the test fails for it. */
function fill<T>(value: T, ids: Record<string, string>): T {
  const text = JSON.stringify(value).replace(/\{([a-z]\w*)\}/gi, (name, id: string) => ids[id] ?? name);
  return JSON.parse(text) as T;
}

/** Lists of references in the order of what they refer to, which is of no consequence. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const isReferences = value.every((element) => typeof (element as Resource | null)?.value === 'string');
    const list = value.map(sorted);
    return isReferences
      ? list.sort((left, right) => ((left as Resource).value < (right as Resource).value ? -1 : 1))
      : list;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, sorted(part)]));
}
