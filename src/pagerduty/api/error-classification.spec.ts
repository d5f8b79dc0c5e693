import { inspect } from 'node:util';
import { error, FAILED_ANSWERS, FAILURE_REMEDIES, json, SCOPES } from '../../../test/support/failed-answers';
import { classifyAnswer, classifyTransportFailure, parseErrorBody } from './error-classification';
import type { FailureReason } from './failures';
import { TransportFailure } from './transport';

const OPERATIONS = [...new Set(FAILED_ANSWERS.map(([operation]) => operation))];

describe('a failed answer of PagerDuty', () => {
  it.each(FAILED_ANSWERS)(
    'to %s with HTTP %i and %s is %s, %s',
    (operation, status, body, kind, reason, outcome = undefined) => {
      const failure = classifyAnswer({ operation, status, body, secrets: [] });
      expect({ kind: failure.kind, reason: failure.reason, outcome: failure.outcome }).toEqual({
        kind,
        reason,
        outcome: outcome ?? 'not-applied',
      });
      expect(failure.status).toBe(status);
      expect(failure.reason).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(failure.message).toMatch(/^PagerDuty did not .*\.$/);
      expect(failure.remedy).toMatch(/^[A-Z].*\.$/);
    },
  );

  it.each(OPERATIONS)('to %s gets a reason, whatever the body', (operation) => {
    for (const [, status, body] of FAILED_ANSWERS) {
      const failure = classifyAnswer({ operation, status, body, secrets: [] });
      expect(failure.remedy).toBe(FAILURE_REMEDIES[failure.reason as FailureReason]);
      expect(failure.message).toMatch(/^PagerDuty did not .*\.$/);
      // A missing team or user is reported only for a call that names one.
      if (failure.kind === 'not-found')
        expect(operation).not.toMatch(/^(get_token|list_users|list_teams|create_team)$/);
    }
  });

  it('is reported in PagerDuty’s own words, with status and code', () => {
    const body = error('Team has existing associations.', 6006, ['Cannot delete team']);
    const failure = classifyAnswer({ operation: 'delete_team', status: 400, body, secrets: [] });
    expect(failure.message).toBe(
      'PagerDuty did not delete the team: Team has existing associations.; Cannot delete team (HTTP 400, code 6006).',
    );
  });

  it('names the scopes that are missing', () => {
    const failure = classifyAnswer({ operation: 'add_member', status: 403, body: SCOPES, secrets: [] });
    expect(failure.message).toContain('teams.write');
  });

  it('is shortened when PagerDuty’s text is too long, and kept on one line', () => {
    const body = error(`first\nsecond\u0000${'x'.repeat(5000)}`);
    const { message } = classifyAnswer({ operation: 'get_team', status: 400, body, secrets: [] });
    expect(message.length).toBeLessThan(600);
    expect(message).toContain('first second x');
  });

  it('does not repeat a secret that PagerDuty sends back', () => {
    const body = json({ error: 'invalid_client', error_description: 'bad secret hush-hush-1' });
    const failure = classifyAnswer({ operation: 'get_token', status: 401, body, secrets: ['hush-hush-1'] });
    expect(inspect(failure)).not.toContain('hush-hush-1');
    expect(failure.message).toContain('[redacted]');
  });
});

describe('the body of an error', () => {
  it.each([
    ['{"error":{"message":"M","code":2001,"errors":["a","b"]}}', 2001, ['M', 'a', 'b']],
    ['{"error":{"message":"M","code":2001}}', 2001, ['M']],
    ['{"error":{"message":"M","code":"2001","errors":"one"}}', 2001, ['M', 'one']],
    ['{"error":{"message":"M","errors":{"name":["a"],"email":["b","c"]}}}', null, ['M', 'a', 'b', 'c']],
    ['{"error":["a","b"]}', null, ['a', 'b']],
    ['{"error":"invalid_client","error_description":"D"}', null, ['invalid_client', 'D']],
    ['{"message":"M","code":2001}', 2001, ['M']],
    ['{"error":{"message":null,"code":null,"errors":[null,7]}}', null, []],
    ['{"error":null}', null, []],
    ['[]', null, []],
    ['null', null, []],
    ['<html></html>', null, []],
    ['', null, []],
  ])('%s is read with code %s and words %j', (body, code, words) => {
    expect(parseErrorBody(body)).toMatchObject({ code, words });
  });
});

describe('a call without an answer', () => {
  it.each([
    ['not-connected', 'add_member', 'connection_failed', 'not-applied'],
    ['not-connected', 'list_users', 'connection_failed', 'not-applied'],
    ['broken', 'create_team', 'connection_broken', 'unknown'],
    ['broken', 'list_users', 'connection_broken', 'not-applied'],
    ['timeout', 'remove_member', 'timeout', 'unknown'],
    ['timeout', 'get_token', 'timeout', 'not-applied'],
    ['answer-too-large', 'update_team', 'answer_too_large', 'unknown'],
  ] as const)('(%s) to %s is %s, %s', (kind, operation, reason, outcome) => {
    const failure = classifyTransportFailure(new TransportFailure(kind, 'ECODE'), operation);
    expect(failure).toMatchObject({ kind: 'unavailable', reason, outcome, status: null });
    expect(failure.message).toContain('ECODE');
  });
});
