import type { FaultSpec } from '../../../simulator/faults';
import type { SimAccount } from '../../../simulator/simulator';
import type { ProviderError } from '../../../src/integrations/provider/provider-error';
import { classifyAnswer, classifyTransportFailure } from '../../../src/pagerduty/api/error-classification';
import type { Operation } from '../../../src/pagerduty/api/failures';
import { TransportFailure } from '../../../src/pagerduty/api/transport';
import { FAILED_ANSWERS } from '../../support/failed-answers';
import type { HttpClient } from '../../support/http';
import type { TestIntegration } from '../../support/scimify';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
/** Instead of ten seconds, so that a call without response does not take most of the test's time. */
export const CALL_TIMEOUT_MS = 3 * SECOND;

/** One integration with its own PagerDuty account. */
export interface World {
  admin: HttpClient;
  account: SimAccount;
  integration: TestIntegration;
  users: Record<string, string>;
  group: string;
  email: (name: string) => string;
}

/** One way in which a call fails. */
export interface Failing {
  shown: string;
  fault: Pick<FaultSpec, 'status' | 'body' | 'contentType' | 'headers' | 'drop' | 'latencyMs'>;
  classified: (operation: Operation) => ProviderError;
}

/** All bodies of the classification's table. A body that is added there is tested here with every call. */
export const FAILURES: Failing[] = [
  ...[
    ...new Map(FAILED_ANSWERS.map(([, status, body]) => [`${status} ${body}`, { status, body }])).values(),
  ].map(({ status, body }) => ({
    shown: `HTTP ${status} ${body || '(empty)'}`,
    fault: {
      status,
      body,
      contentType: body.startsWith('{') ? 'application/json' : 'text/html',
      // One of the three 429s has no Retry-After.
      ...(status === 429 && !body.startsWith('<') ? { headers: { 'retry-after': '1' } } : {}),
    },
    classified: (operation: Operation) => classifyAnswer({ operation, status, body, secrets: [] }),
  })),
  {
    shown: 'a connection that breaks',
    fault: { drop: true },
    classified: (operation) =>
      classifyTransportFailure(new TransportFailure('broken', 'ECONNRESET'), operation),
  },
  {
    shown: 'silence',
    fault: { status: 500, latencyMs: CALL_TIMEOUT_MS + SECOND },
    classified: (operation) =>
      classifyTransportFailure(new TransportFailure('timeout', 'ETIMEDOUT'), operation),
  },
];

export interface Call {
  operation: Operation;
  fault: Pick<FaultSpec, 'method' | 'path'>;
  /** A call for the whole account, before the calls for a group. */
  forAccount?: true;
  /** An action of the IdP or an admin that causes the call. Everything works until then. */
  cause: (world: World) => Promise<string>;
  /** The teams after the recovery. */
  teams: (world: World) => Record<string, string[]>;
}

export const TEAM = 'Platform';
export const SECOND_TEAM = 'Storage';

const asBefore = () => ({ [TEAM]: ['ada', 'bo'] });
const addCy = async ({ integration, group, users }: World) => {
  await integration.scim.addMembers(group, users.cy!);
  return group;
};
const withCy = () => ({ [TEAM]: ['ada', 'bo', 'cy'] });
const makeSecond = ({ integration, users }: World) => integration.scim.createGroup(SECOND_TEAM, [users.ada!]);
const withSecond = () => ({ ...asBefore(), [SECOND_TEAM]: ['ada'] });
const enable = async ({ admin, integration, group }: World) => {
  await admin.post(`/integrations/${integration.id}/enable`);
  return group;
};

/** Every call that the engine makes by itself. */
export const CALLS: Record<string, Call> = {
  'the request for a token': {
    operation: 'get_token',
    fault: { method: 'POST', path: '/oauth/token' },
    forAccount: true,
    cause: enable,
    teams: asBefore,
  },
  'the look at the account': {
    operation: 'list_teams',
    fault: { method: 'GET', path: /^\/teams\?limit=1$/ },
    forAccount: true,
    cause: enable,
    teams: asBefore,
  },
  'the search for a user': {
    operation: 'list_users',
    fault: { method: 'GET', path: /^\/users\?/ },
    cause: addCy,
    teams: withCy,
  },
  'the look-up of a name': {
    operation: 'list_teams',
    fault: { method: 'GET', path: /^\/teams\?/ },
    cause: makeSecond,
    teams: withSecond,
  },
  'the creation of a team': {
    operation: 'create_team',
    fault: { method: 'POST', path: '/teams' },
    cause: makeSecond,
    teams: withSecond,
  },
  'the renaming of a team': {
    operation: 'update_team',
    fault: { method: 'PUT', path: /^\/teams\/[^/]+$/ },
    cause: async ({ integration, group }) => {
      await integration.scim.renameGroup(group, SECOND_TEAM);
      return group;
    },
    teams: () => ({ [SECOND_TEAM]: ['ada', 'bo'] }),
  },
  'the deletion of a team': {
    operation: 'delete_team',
    fault: { method: 'DELETE', path: /^\/teams\/[^/]+$/ },
    cause: async ({ integration, group }) => {
      await integration.scim.delete(`/Groups/${group}`);
      return group;
    },
    teams: () => ({}),
  },
  'the list of the members of a team': {
    operation: 'list_members',
    fault: { method: 'GET', path: /^\/teams\/[^/]+\/members/ },
    cause: (world) => {
      const team = world.account.addTeam({ name: SECOND_TEAM });
      world.account.addMember(team.id, world.account.user(world.email('bo'))!.id);
      return makeSecond(world);
    },
    teams: () => ({ ...asBefore(), [SECOND_TEAM]: ['ada', 'bo'] }),
  },
  'the addition of a member': {
    operation: 'add_member',
    fault: { method: 'PUT', path: /^\/teams\/[^/]+\/users\// },
    cause: addCy,
    teams: withCy,
  },
  'the removal of a member': {
    operation: 'remove_member',
    fault: { method: 'DELETE', path: /^\/teams\/[^/]+\/users\// },
    cause: async ({ integration, group, users }) => {
      await integration.scim.removeMembers(group, users.bo!);
      return group;
    },
    teams: () => ({ [TEAM]: ['ada'] }),
  },
};

/** The expected result. */
type Outcome =
  /** PagerDuty already has the wanted state: nothing is open. */
  | 'done'
  /** The whole integration is suspended, probed every five minutes, and resumes by itself. */
  | 'suspended'
  /** Temporary: retried after one second to 15 minutes, or when PagerDuty says. */
  | 'retried'
  /** An admin has to act: retried after one hour, then every six hours. */
  | 'refused';

export interface Expected {
  outcome: Outcome;
  reason: string;
  hintMs?: [number, number];
}

/**
 * | kind                                  | call                      | outcome   |
 * | ------------------------------------- | ------------------------- | --------- |
 * | rate-limited, unavailable             | any call                  | retried   |
 * | credentials; permission that concerns | any call                  | suspended |
 * | the account                           |                           |           |
 * | permission of one object              | a call for one object     | refused   |
 * | not-found                             | a removal                 | done      |
 * | not-found, of a new team              | a call for it             | retried   |
 * | not-found, of any other team          | a call for it             | retried   |
 * | conflict, rejected                    | a call for one object     | refused   |
 * | conflict, rejected                    | a call for the account    | retried   |
 * | conflict                              | the renaming of a team    | retried: three times soon |
 */
export function expectedOf({ operation, forAccount }: Call, { classified, fault }: Failing): Expected {
  const { kind, reason, accountWide } = classified(operation);
  const refused = forAccount ? 'retried' : 'refused';
  switch (kind) {
    case 'rate-limited':
      return { outcome: 'retried', reason, hintMs: fault.headers ? [1_000, 2_000] : [5_000, 6_500] };
    case 'unavailable':
      return { outcome: 'retried', reason };
    case 'credentials':
      return { outcome: 'suspended', reason };
    case 'permission':
      return { outcome: accountWide || forAccount ? 'suspended' : 'refused', reason };
    case 'not-found':
      if (operation === 'remove_member') return { outcome: 'done', reason };
      return operation === 'list_members'
        ? { outcome: 'retried', reason }
        : { outcome: 'retried', reason: 'not_visible_yet', hintMs: [4_000, 5_000] };
    case 'conflict':
      return { outcome: operation === 'update_team' ? 'retried' : refused, reason };
    case 'rejected':
      return { outcome: refused, reason };
  }
}
