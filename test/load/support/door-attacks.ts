import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from './attack';
import { type Target, adminRequest } from './requests';
import { smallObjects } from './write-attacks';

interface Parameter {
  name: string;
  in: string;
  schema?: { enum?: string[]; maximum?: number; format?: string };
}
type Operation = { parameters?: Parameter[]; requestBody?: object };

const paths: Record<string, Record<string, Operation>> = JSON.parse(
  readFileSync(join(process.cwd(), 'docs/openapi.json'), 'utf8'),
).paths;

const MEBIBYTE = 1024 * 1024;
const EVERY_TIME = /integrations\/\{id\}\/(overview|plan)$/;
const LONGEST_PAGE = 200;

/** The most expensive value of each query parameter. Null for parameters that make the response smaller. */
function dearest({ name, schema }: Parameter): string | null {
  switch (name) {
    case 'limit':
      return String(schema?.maximum ?? LONGEST_PAGE);
    case 'search':
      return 'zz';
    case 'since':
      return '2000-01-01T00:00:00Z';
    case 'actor':
      return 'unknown actor';
    default:
      return null;
  }
}

function withIds(path: string, { world: { big } }: Target): string {
  const ids: Record<string, string> = {
    tenantId: big.tenantId,
    id: big.integrationId,
    integrationId: big.integrationId,
    groupId: big.groupIds[4]!,
    userId: big.userIds[4]!,
  };
  // No such resource exists here, so the id of the integration stands in.
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? big.integrationId);
}

/** Every GET of the admin API, with a viewer's key, in a loop. */
const ADMIN_READS = Object.entries(paths)
  .filter(([path, { get }]) => get && /^\/api\/v1\/(integrations|tenants)\/\{/.test(path))
  .map<Attack>(([path, { get }]) => ({
    name: `a viewer reads ${path} in a loop`,
    everyTime: EVERY_TIME.test(path),
    rounds: path.endsWith('/export') ? 2 : 10,
    requests: (target) => {
      const query = (get!.parameters ?? [])
        .filter((parameter) => parameter.in === 'query')
        .map((parameter) => [parameter.name, dearest(parameter)] as const)
        .filter(([, value]) => value !== null) as [string, string][];
      const states = (get!.parameters ?? []).find(({ name }) => name === 'state')?.schema?.enum ?? [];
      const url = `${withIds(path, target)}?${new URLSearchParams(query).toString()}`;
      const key = target.world.big.adminKeys.viewer;
      return [url, ...states.map((state) => `${url}&state=${state}`)].map((one) =>
        adminRequest(target.scimify, key, 'GET', one),
      );
    },
  }));

/** A body of 1 MiB of `{},{},…` for every route that accepts a body. */
const bodies = (withKey: boolean) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method, { requestBody }]) => requestBody && ['post', 'put', 'patch'].includes(method))
      .map<Attack>(([method]) => ({
        name: `${method.toUpperCase()} ${path} gets 1 MiB of small objects ${withKey ? 'with a key' : 'without any key'}`,
        everyTime: path === '/api/v1/tenants' || (withKey && path.endsWith('/Bulk')),
        requests: (target) => {
          const { world } = target;
          const isScim = path.startsWith('/scim');
          const key = isScim
            ? world.big.scimKey
            : path === '/api/v1/tenants'
              ? world.platformKey
              : world.big.adminKeys.owner;
          const body = smallObjects(MEBIBYTE - 10, '{"name":"x","x":[', ']}');
          return [
            adminRequest(
              target.scimify,
              withKey ? key : null,
              method.toUpperCase(),
              withIds(path, target),
              body,
            ),
          ];
        },
      })),
  );

/** Attacks outside the SCIM API. */
export const DOOR_ATTACKS: readonly Attack[] = [
  {
    name: 'the API documents are read without a key over 50 connections',
    everyTime: true,
    rounds: 50,
    connections: 50,
    requests: ({ scimify }) =>
      ['/', '/api/docs', '/api/docs/scim', '/api/openapi.json', '/api/openapi-scim.json'].map((path) =>
        adminRequest(scimify, null, 'GET', path),
      ),
  },
  {
    name: '300 connections are left open with unfinished bodies of 1 MiB and no key',
    everyTime: true,
    rounds: 300,
    connections: 300,
    requests: ({ scimify }) => [
      {
        ...adminRequest(
          scimify,
          null,
          'POST',
          '/api/v1/tenants',
          smallObjects(MEBIBYTE - 10, '{"x":[', ']}'),
        ),
        unfinished: true,
      },
    ],
  },
  {
    name: 'an accountSubdomain is a host, 250,000 spaces and a line break',
    everyTime: true,
    requests: ({ scimify, world: { big } }) => {
      const settings = {
        authMethod: 'oauth',
        clientId: 'x',
        accountRegion: 'us',
        accountSubdomain: `acme.pagerduty.com/${' '.repeat(250_000)}\nx`,
      };
      const integration = { provider: 'pagerduty', name: 'x', secret: 'x', settings };
      return [
        adminRequest(scimify, big.adminKeys.owner, 'PATCH', `/api/v1/integrations/${big.integrationId}`, {
          settings,
        }),
        adminRequest(
          scimify,
          big.adminKeys.owner,
          'POST',
          `/api/v1/tenants/${big.tenantId}/integrations`,
          integration,
        ),
      ];
    },
  },
  ...ADMIN_READS,
  ...bodies(false),
  ...bodies(true),
];
