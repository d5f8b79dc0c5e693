import type { Answer } from '../../support/http';
import { ERROR, LIST_RESPONSE } from './urns';

/**
 * Expects an error in the form of RFC 7644 §3.12, with one sentence in `detail`.
 *
 * @param scimType undefined if the RFC has no keyword for the error
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

/** Expects one of these statuses and keywords, where the RFC allows several. */
export function expectScimErrorOf(
  answer: Answer,
  statuses: number[],
  scimTypes: (string | undefined)[],
): void {
  expect(statuses).toContain(answer.status);
  expect(scimTypes).toContain(answer.body.scimType);
  expectScimError(answer, answer.status, answer.body.scimType);
}

/** Admins read it on a task page of the IdP: it must be one short sentence without internals of Scimify. */
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

/** A resource parsed from JSON. */
export type Resource = Record<string, any>;

/** The resource without `id` and `meta`, to compare two resources. */
export function content({ id: _id, meta: _meta, ...rest }: Resource): Resource {
  return rest;
}

export function userNames(resources: Resource[]): string[] {
  return resources.map(({ userName }) => userName as string);
}

export function memberIds({ body }: Answer): string[] {
  return ((body.members ?? []) as Resource[]).map(({ value }) => value as string).sort();
}
