import type { Answer } from '../../support/http';
import { ERROR, LIST_RESPONSE } from './urns';

/**
 * An error as RFC 7644 §3.12 has it, whose `detail` is one sentence.
 *
 * @param scimType undefined where the RFC has no keyword for it
 */
export function expectScimError(
  { status, headers, body }: Answer,
  expected: number,
  scimType?: string,
): void {
  expect({ status, body }).toEqual({
    status: expected,
    body: {
      schemas: [ERROR],
      status: String(expected),
      ...(scimType === undefined ? {} : { scimType }),
      detail: expect.any(String),
    },
  });
  expect(headers.get('content-type')).toMatch(/^application\/(scim\+)?json; *charset=utf-8$/i);
  expectOneSentence(body.detail);
}

/** Of any of these statuses and keywords, where the RFC leaves the choice. */
export function expectScimErrorOf(
  answer: Answer,
  statuses: number[],
  scimTypes: (string | undefined)[],
): void {
  expect(statuses).toContain(answer.status);
  expect(scimTypes).toContain(answer.body.scimType);
  expectScimError(answer, answer.status, answer.body.scimType);
}

/** What an admin reads on a task page: short, in one sentence, and nothing of our insides. */
export function expectOneSentence(detail: string): void {
  const withoutEchoes = detail.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  expect(withoutEchoes).toMatch(/^["A-Z].*\.$/);
  expect(withoutEchoes).not.toMatch(/[.!?]\s+["A-Z]/);
  expect(detail).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
  expect(detail).not.toMatch(
    /\b(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b|SQLITE|\bER_[A-Z]+|FST_ERR|node_modules|\.[jt]s:\d+/,
  );
}

/** A ListResponse (RFC 7644 §3.4.2). @returns its resources */
export function expectList({ status, body }: Answer, totalResults?: number): Resource[] {
  expect({ status, body }).toMatchObject({ status: 200, body: { schemas: [LIST_RESPONSE] } });
  const resources = (body.Resources ?? []) as Resource[];
  if (totalResults !== undefined) expect(body.totalResults).toBe(totalResults);
  if (body.itemsPerPage !== undefined) expect(body.itemsPerPage).toBe(resources.length);
  return resources;
}

/** A resource as parsed from JSON. */
export type Resource = Record<string, any>;

/** Without what differs between two resources that are otherwise the same. */
export function content({ id: _id, meta: _meta, ...rest }: Resource): Resource {
  return rest;
}

export function userNames(resources: Resource[]): string[] {
  return resources.map(({ userName }) => userName as string);
}

export function memberIds({ body }: Answer): string[] {
  return ((body.members ?? []) as Resource[]).map(({ value }) => value as string).sort();
}
